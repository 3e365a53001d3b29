"""A job, and the pure functions that move it from status to status."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from local.azure_ml.config import Deployment, Phase

CANCEL_REQUESTED = "CancelRequested"
ENDED = frozenset({"Completed", "Failed", "Canceled"})
STATUSES = ENDED | {
    "NotStarted",
    "Queued",
    "Preparing",
    "Provisioning",
    "Starting",
    "Running",
    "Finalizing",
    CANCEL_REQUESTED,
    "NotResponding",
    "Paused",
    "Unknown",
}
# The service answers a cancel of these with an error, as it does for a job that has ended.
_TOO_LATE_TO_CANCEL = ENDED | {"Finalizing"}

_ADJECTIVES = ("blue", "careful", "gentle", "amber", "quiet", "brave", "lucid", "plucky")
_NOUNS = ("store", "bulb", "river", "lantern", "harbor", "meadow", "engine", "kite")


@dataclass(frozen=True)
class DataInput:
    type: Literal["UriFile", "UriFolder"]
    uri: str


@dataclass(frozen=True)
class DataOutput:
    type: Literal["UriFile", "UriFolder"]
    uri: str


@dataclass(frozen=True)
class JobRequest:
    """What the caller asked for; ``literals`` as texts."""

    inputs: Mapping[str, DataInput] = field(default_factory=dict)
    literals: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, DataOutput] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    experiment: str | None = None


@dataclass(frozen=True)
class Creator:
    name: str
    kind: Literal["Application", "ManagedIdentity"]


@dataclass(frozen=True)
class Job:
    """``status`` is the real one; ``shown``, if set, is the one that readers see instead.

    Times are seconds since the epoch. ``scoring`` says how scoring ended, None before that.
    """

    name: str
    display_name: str
    deployment: str
    kind: Literal["model", "pipeline-component"]
    request: JobRequest
    creator: Creator
    created_at: float
    status: str
    entered_at: float
    shown: str | None = None
    scoring: Literal["done", "failed"] | None = None
    error: str | None = None
    error_code: str = "UserError"
    rows: int | None = None

    @property
    def visible_status(self) -> str:
        return self.shown or self.status

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def cancelable(self) -> bool:
        return self.visible_status not in _TOO_LATE_TO_CANCEL and self.status not in _TOO_LATE_TO_CANCEL


def new_job(
    deployment: Deployment, request: JobRequest, creator: Creator, pace: tuple[Phase, ...], now: float
) -> Job:
    return Job(
        name=f"{deployment.job_name_prefix}{uuid.uuid4()}",
        display_name=(f"{secrets.choice(_ADJECTIVES)}_{secrets.choice(_NOUNS)}_{secrets.token_hex(4)}"),
        deployment=deployment.name,
        kind=deployment.kind,
        request=request,
        creator=creator,
        created_at=now,
        status=pace[0].status,
        entered_at=now,
    )


def entered(job: Job, status: str, now: float) -> Job:
    """The job in its new ``status``. A final status replaces any shown one."""
    return replace(job, status=status, entered_at=now, shown=None if status in ENDED else job.shown)


def next_status(job: Job, pace: tuple[Phase, ...]) -> str | None:
    """The status that follows, or None while scoring has not ended.

    Running follows a status that the pace does not have (after a restart with another pace).
    """
    if job.status == CANCEL_REQUESTED:
        return "Canceled"
    if job.status == "Running" and job.scoring is None:
        return None
    if job.status == "Running" and job.scoring == "failed":
        return "Failed"
    statuses = [phase.status for phase in pace]
    if job.status not in statuses:
        return "Running"
    following = statuses[statuses.index(job.status) + 1 :]
    return following[0] if following else "Completed"


def seconds_in(status: str, pace: tuple[Phase, ...], cancel_seconds: float) -> float:
    if status == CANCEL_REQUESTED:
        return cancel_seconds
    return next((phase.seconds for phase in pace if phase.status == status), 0.0)


def iso_time(moment: float) -> str:
    """With seven decimals and offset, as the service writes ``createdAt``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
