"""The app's settings, read once from the environment. ``docs/settings.md`` has the table."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Self, TypeVar

from batch.addresses import CLOUDS, PUBLIC_CLOUD, Cloud, EndpointUri, Origin, WorkspaceId
from batch.data_uri import DEFAULT_OUTPUT, RUN_ID_PLACEHOLDER, check_output_file
from batch.errors import SettingsError
from batch.public_base import PublicBase

T = TypeVar("T")

_MAX_OUTPUT_LENGTH = 1_024
"""Characters, so that there is room for the run id."""
_OFF = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """``*_audience`` are token audiences without the ``/.default`` suffix.

    ``submission_settle`` is how long after a lost submission a job may still appear in the list. ``default_output``
    is the output of a run in the short form that names none; it holds ``{run_id}``. Empty leaves it to Azure ML.
    ``public_base`` is None if callers reach the app under its own host. ``gives_management_urls``: a start answers
    with the durable URLs that end or change an orchestration, too. ``run_history_origin`` is None where each job's
    region has the run history, as in Azure.
    """

    endpoint_uri: EndpointUri | None
    allowed_origins: frozenset[Origin]
    workspace_id: WorkspaceId | None
    ml_audience: str
    arm_origin: Origin
    arm_audience: str
    submission_settle: timedelta
    run_retention: timedelta
    default_output: str
    cloud: Cloud
    public_base: PublicBase | None
    gives_management_urls: bool
    run_history_origin: Origin | None = None

    def allows(self, endpoint: EndpointUri) -> bool:
        """Whether the app may send its token to this endpoint."""
        return endpoint.origin in self.allowed_origins

    def run_history(self, tracking_host: str | None) -> Origin | None:
        """Where the app may ask with its token why a job failed; ``tracking_host`` is that of the job."""
        if self.run_history_origin or tracking_host is None:
            return self.run_history_origin
        return self.cloud.regional_ml_api(tracking_host)

    def may_hold_logs(self, origin: Origin) -> bool:
        """Whether the app may download a log there, without its token."""
        return origin == self.run_history_origin or self.cloud.is_blob_service(origin)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names the setting."""

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            text = environment.get(name, "").strip()
            try:
                return parse(text) if text else default
            except ValueError as error:
                raise SettingsError(f"App setting {name} is wrong: {error}.") from None

        endpoint_uri = read("BATCH_ENDPOINT_URI", EndpointUri.parse, None)
        origins: frozenset[Origin] = read("ALLOWED_ENDPOINT_ORIGINS", _origins, frozenset())
        arm_origin: Origin = read("AZURE_RESOURCE_MANAGER_URL", _service, Origin(PUBLIC_CLOUD.arm_host, 443))
        # A Resource Manager of none of the clouds, such as a local one, counts as the public cloud.
        cloud = next((cloud for cloud in CLOUDS if cloud.arm_host == arm_origin.host), PUBLIC_CLOUD)
        return cls(
            endpoint_uri=endpoint_uri,
            allowed_origins=origins | {endpoint_uri.origin} if endpoint_uri else origins,
            workspace_id=read("AZURE_ML_WORKSPACE_ID", WorkspaceId.parse, None),
            ml_audience=read("AZURE_ML_AUDIENCE", _audience, cloud.ml_audience),
            arm_origin=arm_origin,
            arm_audience=read("AZURE_RESOURCE_MANAGER_AUDIENCE", _audience, str(arm_origin)),
            submission_settle=timedelta(seconds=read("SUBMISSION_SETTLE_SECONDS", _at_most(3_600), 90)),
            run_retention=timedelta(days=read("RUN_RETENTION_DAYS", _at_most(3_650), 30)),
            default_output=read("DEFAULT_OUTPUT_URI", _default_output, DEFAULT_OUTPUT),
            cloud=cloud,
            public_base=read("PUBLIC_BASE_URL", PublicBase.parse, None),
            gives_management_urls=read("DURABLE_MANAGEMENT_URLS", _true_or_false, False),
            run_history_origin=read("AZURE_ML_RUN_HISTORY_URL", Origin.parse, None),
        )


@lru_cache(maxsize=1)
def app_settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment(os.environ)


def _origins(text: str) -> frozenset[Origin]:
    return frozenset(Origin.parse(part.strip()) for part in text.split(",") if part.strip())


def _service(text: str) -> Origin:
    # Azure writes the addresses of its services with a slash at the end, in some clouds.
    return Origin.parse(text.rstrip("/"))


def _audience(text: str) -> str:
    return str(_service(text))


def _true_or_false(text: str) -> bool:
    # Bicep writes a boolean as True or False.
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _default_output(text: str) -> str:
    if text.lower() == _OFF:
        return ""
    if len(text) > _MAX_OUTPUT_LENGTH:
        raise ValueError(f"must have at most {_MAX_OUTPUT_LENGTH} characters")
    uri = check_output_file(text)
    if RUN_ID_PLACEHOLDER not in uri:
        raise ValueError(
            f"must hold {RUN_ID_PLACEHOLDER}, or be {_OFF}: an output that exists already fails the job"
        )
    return uri


def _at_most(most: int) -> Callable[[str], int]:
    return lambda text: parse_whole_number(text, most)


def parse_whole_number(text: str, most: int) -> int:
    """From 1 to ``most``, in plain digits. Raises ValueError, whose text says so."""
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most):
        raise ValueError(f"must be a whole number from 1 to {most}")
    return int(text)
