"""The credential of azure-identity, which the environment chooses."""

import os
from typing import Any

from azure.core.pipeline.transport import RequestsTransport
from azure.identity import DefaultAzureCredential

from batch.addresses import CLOUDS, PUBLIC_CLOUD

TIMEOUTS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 15}
"""Seconds. Those of the library are 300."""
_RETRIES: dict[str, Any] = {"retry_total": 2, "retry_read": 0}
"""One request ends within the time that a caller waits for a token, also when no answer comes."""
_LONGEST_PAUSE = 5.0
_LOGIN_HOSTS = frozenset(cloud.login_host for cloud in CLOUDS)


class Transport(RequestsTransport):  # type: ignore[misc] # The library gives it without its type.
    """The library would wait between two tries as long as Retry-After says."""

    def sleep(self, duration: float) -> None:
        super().sleep(min(duration, _LONGEST_PAUSE))


def new_credential() -> DefaultAzureCredential:
    """Reads the environment anew."""
    return DefaultAzureCredential(
        disable_instance_discovery=is_no_public_cloud(), transport=Transport(**TIMEOUTS), **_RETRIES
    )


def is_no_public_cloud() -> bool:
    """Then azure-identity would ask the login host of the public cloud first, whether the authority is genuine."""
    authority = os.environ.get("AZURE_AUTHORITY_HOST", PUBLIC_CLOUD.login_host)
    return authority.removeprefix("https://").rstrip("/") not in _LOGIN_HOSTS
