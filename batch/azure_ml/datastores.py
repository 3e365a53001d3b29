"""Where in Azure Storage a datastore is, read through ARM and kept for a while.

The fields are those of Azure's specification. Nothing of an answer is trusted: each part of a link is checked.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from batch.addresses import CLOUDS, Cloud, WorkspaceId
from batch.azure_ml.answer import mapping_of
from batch.azure_ml.rest import AnswerLost, read
from batch.azure_ml.workspace_jobs import API_VERSION
from batch.run.steps import OutputLinks
from batch.settings import Settings

LIFETIME = 3_600
"""Seconds. The account and the container of a datastore cannot be changed, but another one may take its name."""

_KINDS = {"AzureBlob": ("blob", "containerName"), "AzureDataLakeGen2": ("dfs", "filesystem")}
"""The service that has the data, and the field that names the container. Jobs write to no other kinds."""
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
_CONTAINER = re.compile(r"[a-z0-9$][a-z0-9-]{1,62}", re.ASCII)
_SUFFIXES = tuple(cloud.storage_suffix for cloud in CLOUDS)
"""A tool that follows a link sends a token for storage there, and who may make a datastore could name any host."""
_SUBSCRIPTION = re.compile(r"[0-9A-Fa-f-]{36}", re.ASCII)
_GROUP = re.compile(r"[\w().-]{1,90}")
_KEPT_IN_PATHS = "/:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Datastore:
    """A container; ``account_id`` is the resource id of its account, empty if the datastore does not tell it."""

    service: str
    account: str
    container: str
    suffix: str
    account_id: str

    @classmethod
    def parse(cls, body: Mapping[str, Any], cloud: Cloud) -> Self:
        """Raises ValueError if ``body`` names no container of Azure Storage."""
        properties = mapping_of(body.get("properties"))
        kind = properties.get("datastoreType")
        service, field = _KINDS.get(kind, ("", "")) if isinstance(kind, str) else ("", "")
        account, container = properties.get("accountName"), properties.get(field)
        suffix = properties.get("endpoint") or cloud.storage_suffix
        if not (service and _is(_ACCOUNT, account) and _is(_CONTAINER, container) and suffix in _SUFFIXES):
            raise ValueError("is not that of a container in Azure Storage")
        subscription, group = properties.get("subscriptionId"), properties.get("resourceGroup")
        account_id = ""
        if _is(_SUBSCRIPTION, subscription) and _is(_GROUP, group):
            account_id = (
                f"/subscriptions/{subscription}/resourceGroups/{group}"
                f"/providers/Microsoft.Storage/storageAccounts/{account}"
            )
        return cls(service, str(account), str(container), str(suffix), account_id)

    def links(self, path: str, cloud: Cloud) -> OutputLinks:
        """``path`` is that of a datastore URI, which holds names as they are. The portal shows the container."""
        host = f"{self.account}.{self.service}.{self.suffix}"
        links: OutputLinks = {
            "storage_url": f"https://{host}/{self.container}/{quote(path, safe=_KEPT_IN_PATHS)}"
        }
        if self.account_id:
            links["portal_url"] = (
                f"https://{cloud.portal_host}/#view/Microsoft_Azure_Storage/ContainerMenuBlade/~/overview"
                f"/storageAccountId/{quote(self.account_id, safe='')}/path/{quote(self.container, safe='')}"
            )
        return links


class KnownDatastores:
    """What was read of datastores in the last hour. A read that failed is not kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Datastore]] = {}

    def get(self, workspace: WorkspaceId, name: str, settings: Settings) -> Datastore:
        """Raises RunError."""
        key = (str(workspace).casefold(), name.casefold())
        read_at, known = self._known.get(key, (0.0, None))
        if known and self._clock() < read_at + LIFETIME:
            return known
        datastore = _read(workspace, name, settings)
        self._known[key] = self._clock(), datastore
        return datastore


known_datastores = KnownDatastores()
"""Of this process."""


def _read(workspace: WorkspaceId, name: str, settings: Settings) -> Datastore:
    url = f"{settings.arm_origin}{workspace}/datastores/{name}"
    body = read(url, settings.arm_audience, {"api-version": API_VERSION})
    try:
        return Datastore.parse(body, settings.cloud)
    except ValueError as error:
        raise AnswerLost(f"The answer to GET {url} {error}.") from None


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None
