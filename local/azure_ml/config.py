"""The configuration of one emulated Azure ML: workspace, deployments, principals, pace and folders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from local.event_grid.event import Event

ML_AUDIENCE = "https://ml.azure.com"
ARM_AUDIENCE = "https://management.azure.com"


class Role(StrEnum):
    """What a principal may do; Azure ML's built-in data scientist role grants both."""

    ENDPOINT = "endpoint"
    ARM = "arm"


ALL_ROLES = frozenset(Role)
NO_ROLES: frozenset[Role] = frozenset()
PrincipalKind = Literal["service-principal", "system-assigned", "user-assigned"]


@dataclass(frozen=True)
class Principal:
    name: str
    kind: PrincipalKind
    roles: frozenset[Role] = ALL_ROLES


DEFAULT_PRINCIPALS = (
    Principal("runner", "service-principal"),
    Principal("invoker", "service-principal", frozenset({Role.ENDPOINT})),
    Principal("stranger", "service-principal", NO_ROLES),
    Principal("app", "system-assigned"),
    Principal("shared", "user-assigned"),
    Principal("shared-stranger", "user-assigned", NO_ROLES),
)


@dataclass(frozen=True)
class Deployment:
    """Jobs of a deployment whose ``script`` is None score nothing and write an empty file, for load tests.

    The service uses these three values of ``job_name_prefix`` (observed).
    """

    name: str
    kind: Literal["model", "pipeline-component"] = "model"
    script: Path | None = None
    model_dir: Path | None = None
    mini_batch_size: int = 10
    job_name_prefix: Literal["", "batchjob-", "pipelinejob-"] = "batchjob-"


def standard_deployments(script: Path, model_dir: Path) -> tuple[Deployment, ...]:
    """``default``, a second model deployment, a pipeline component deployment, and one that scores nothing."""
    return (
        Deployment("default", script=script, model_dir=model_dir),
        Deployment("challenger", script=script, model_dir=model_dir, mini_batch_size=1, job_name_prefix=""),
        Deployment(
            "pipeline",
            "pipeline-component",
            script,
            model_dir,
            mini_batch_size=10,
            job_name_prefix="pipelinejob-",
        ),
        Deployment("noop"),
    )


@dataclass(frozen=True)
class Phase:
    """A status that a job passes through, and its least duration in seconds."""

    status: str
    seconds: float


def even_pace(seconds: float) -> tuple[Phase, ...]:
    return (Phase("Preparing", seconds), Phase("Running", seconds), Phase("Finalizing", seconds))


@dataclass(frozen=True)
class Workspace:
    tenant_id: str = "6f1c3c0e-3a56-4c7e-9d0a-5b1f0e7a1c01"
    subscription_id: str = "2d9a7b44-8f13-4f0b-b6f5-90c4a1d5e202"
    resource_group: str = "local-rg"
    name: str = "local-workspace"
    workspace_id: str = "b7a0f5de-5c0d-4b55-8a59-3f2f6a3a9c03"
    location: str = "local"
    endpoint: str = "local-endpoint"

    @property
    def id(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )


@dataclass(frozen=True)
class Ports:
    """0 means any free port."""

    entra: int = 0
    identity: int = 0
    endpoint: int = 0
    arm: int = 0
    control: int = 0
    history: int = 0


@dataclass(frozen=True)
class ServiceConfig:
    """The service writes to ``state`` and to mapped folders only; ``workspaceblobstore`` is a folder in ``state``
    unless ``datastores`` maps it. ``storage`` maps URL prefixes
    (``https://<account>.blob.core.windows.net/<container>``) and ``assets`` maps ``<name>:<version>`` to folders.
    ``max_scoring`` scripts run at once; other jobs in Running wait. ``cancel_seconds`` is the time in
    CancelRequested, ``token_lifetime`` is in seconds. Each change of a job's status calls ``publish`` with its
    events, in the service's own thread.
    """

    state: Path
    deployments: tuple[Deployment, ...]
    default_deployment: str | None = "default"
    principals: tuple[Principal, ...] = DEFAULT_PRINCIPALS
    pace: tuple[Phase, ...] = even_pace(1.0)
    cancel_seconds: float = 0.5
    token_lifetime: int = 3600
    keep_tags: bool = False
    page_size: int = 100
    max_scoring: int = 2
    datastores: Mapping[str, Path] = field(default_factory=dict)
    storage: Mapping[str, Path] = field(default_factory=dict)
    assets: Mapping[str, Path] = field(default_factory=dict)
    workspace: Workspace = Workspace()
    ports: Ports = Ports()
    ml_audience: str = ML_AUDIENCE
    arm_audience: str = ARM_AUDIENCE
    publish: Callable[[Event], None] | None = None

    def __post_init__(self) -> None:
        statuses = [phase.status for phase in self.pace]
        if statuses.count("Running") != 1 or len(set(statuses)) != len(statuses):
            raise ValueError(f"pace needs each status once and Running among them, got {statuses}")
        names = [deployment.name for deployment in self.deployments]
        if self.default_deployment is not None and self.default_deployment not in names:
            raise ValueError(f"default deployment {self.default_deployment!r} is not one of {names}")
