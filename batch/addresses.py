"""Addresses in Azure: origins, batch endpoints, workspaces, and what differs between its clouds.

``*.inference.ml.azure.com`` is shared by all tenants, so a suffix proves nothing. The app sends its token to an
endpoint only if the endpoint's origin (https, host, port) equals one from the settings.
"""

import re
from dataclasses import dataclass
from typing import Self

_ORIGIN = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII | re.IGNORECASE,
)
_ENDPOINT_HOST = re.compile(r"(?P<name>[a-z0-9-]+)\.[a-z0-9-]+\.inference\.ml\.azure\.[a-z]+", re.ASCII)
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HTTPS_PORT = 443
_PATH = "/jobs"


@dataclass(frozen=True, slots=True)
class Cloud:
    """What differs between the clouds of Azure, as its own documentation states it; hosts without ``https://``.

    ``ml_audience`` is a token audience without the ``/.default`` suffix. Each region has a name below
    ``ml_api_host``, each Event Grid topic below ``event_grid_host``.
    """

    login_host: str
    arm_host: str
    ml_audience: str
    ml_api_host: str
    studio_hosts: frozenset[str]
    portal_host: str
    storage_suffix: str
    event_grid_host: str

    @property
    def blob_suffix(self) -> str:
        return f"blob.{self.storage_suffix}"

    @property
    def table_suffix(self) -> str:
        return f"table.{self.storage_suffix}"

    def regional_ml_api(self, host: str) -> "Origin | None":
        """The Azure ML API of a region if ``host`` is one: Microsoft runs them, and no tenant has one of its own.

        A workspace with a private endpoint names it with a prefix of its own.
        """
        api = re.escape(self.ml_api_host)
        is_one = re.fullmatch(rf"(?:{_GUID}\.workspace\.)?[a-z0-9]{{1,40}}\.{api}", host, re.ASCII)
        return Origin(host, _HTTPS_PORT) if is_one else None

    def is_blob_service(self, origin: "Origin") -> bool:
        """Whether ``origin`` is that of a storage account."""
        account = rf"[a-z0-9]{{3,24}}(?:-secondary)?\.{re.escape(self.blob_suffix)}"
        return origin.port == _HTTPS_PORT and re.fullmatch(account, origin.host, re.ASCII) is not None


PUBLIC_CLOUD = Cloud(
    login_host="login.microsoftonline.com",
    arm_host="management.azure.com",
    ml_audience="https://ml.azure.com",
    ml_api_host="api.azureml.ms",
    studio_hosts=frozenset({"ml.azure.com"}),
    portal_host="portal.azure.com",
    storage_suffix="core.windows.net",
    event_grid_host="eventgrid.azure.net",
)
CLOUDS = (
    PUBLIC_CLOUD,
    Cloud(
        login_host="login.microsoftonline.us",
        arm_host="management.usgovcloudapi.net",
        ml_audience="https://ml.azure.us",
        ml_api_host="api.ml.azure.us",
        studio_hosts=frozenset({"ml.azure.us"}),
        portal_host="portal.azure.us",
        storage_suffix="core.usgovcloudapi.net",
        event_grid_host="eventgrid.azure.us",
    ),
    Cloud(
        login_host="login.chinacloudapi.cn",
        arm_host="management.chinacloudapi.cn",
        ml_audience="https://ml.azure.cn",
        ml_api_host="api.ml.azure.cn",
        studio_hosts=frozenset({"ml.azure.cn", "studio.ml.azure.cn"}),
        portal_host="portal.azure.cn",
        storage_suffix="core.chinacloudapi.cn",
        event_grid_host="eventgrid.azure.cn",
    ),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A host in lower case and a port; the scheme is always https."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError unless ``text`` is ``https://host[:port]`` and nothing more."""
        match = _ORIGIN.fullmatch(text)
        port = int(match["port"] or _HTTPS_PORT) if match else 0
        if match is None or port > 65535:
            raise ValueError("must be https://host or https://host:port, with an ASCII host name")
        return cls(match["host"].lower(), port)

    def __str__(self) -> str:
        return f"https://{self.host}" + ("" if self.port == _HTTPS_PORT else f":{self.port}")


@dataclass(frozen=True, slots=True)
class EndpointUri:
    """The scoring URI of a batch endpoint: the service gives it with the path ``/jobs``."""

    origin: Origin

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError unless ``text`` is ``https://host[:port]/jobs`` and nothing more."""
        if not text.endswith(_PATH):
            raise ValueError("must be the endpoint's scoring URI: https://<host>/jobs, and nothing after it")
        return cls(Origin.parse(text.removesuffix(_PATH)))

    def job(self, job_name: str) -> str:
        """The status address of a job; the caller has validated the name."""
        return f"{self}/{job_name}"

    @property
    def endpoint_name(self) -> str | None:
        """The endpoint's name as Azure's host names carry it, or None for any other host."""
        match = _ENDPOINT_HOST.fullmatch(self.origin.host)
        return match["name"] if match else None

    def __str__(self) -> str:
        return f"{self.origin}{_PATH}"


_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._()-]{0,89}"
_WORKSPACE = (
    rf"/subscriptions/{_SEGMENT}/resourceGroups/{_SEGMENT}"
    rf"/providers/Microsoft\.MachineLearningServices/workspaces/{_SEGMENT}"
)
_WORKSPACE_ID = re.compile(_WORKSPACE, re.ASCII | re.IGNORECASE)
_RESOURCE_ID = re.compile(rf"(?P<workspace>{_WORKSPACE})/.+", re.ASCII | re.IGNORECASE)
_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkspaceId:
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError unless ``text`` is the id of a workspace."""
        if not _WORKSPACE_ID.fullmatch(text):
            raise ValueError(
                "must be the workspace's resource id: /subscriptions/<id>/resourceGroups/<group>"
                "/providers/Microsoft.MachineLearningServices/workspaces/<name>"
            )
        return cls(text)

    @classmethod
    def of_job(cls, stored: str | None) -> Self | None:
        """From the state of a run; None if it has none that this version accepts."""
        return cls(stored) if stored and _WORKSPACE_ID.fullmatch(stored) else None

    @classmethod
    def of_resource(cls, resource_id: object) -> Self | None:
        """The workspace that a resource, such as a job, belongs to, or None if the id is of another form."""
        match = _RESOURCE_ID.fullmatch(resource_id) if isinstance(resource_id, str) else None
        return cls(match["workspace"]) if match else None

    def __str__(self) -> str:
        return self.path


def is_job_name(value: object) -> bool:
    """Whether ``value`` may become a path segment: job names come from the service's answers."""
    return isinstance(value, str) and _JOB_NAME.fullmatch(value) is not None
