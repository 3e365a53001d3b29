"""The state of a run, small enough to be carried through continue-as-new, and how answers change it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from batch import job_status
from batch.contract import RunRequest
from batch.data_source import DataSource
from batch.errors import ErrorCode, RunError
from batch.job_status import Bucket


class Phase(StrEnum):
    """Where a run is; the last four are its outcomes."""

    AUTHORIZING = "Authorizing"
    SUBMITTING = "Submitting"
    QUEUED = "Queued"
    RUNNING = "Running"
    CANCELING = "Canceling"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"


OUTCOMES = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELED, Phase.TIMED_OUT})


class CancelCause(StrEnum):
    REQUEST = "request"
    TIMEOUT = "timeout"
    QUEUE_TIMEOUT = "queue_timeout"


class _State(BaseModel):
    model_config = ConfigDict(frozen=True)


class Problem(_State):
    """The last failure of a step, while the run goes on in spite of it."""

    code: ErrorCode
    message: str
    retryable: bool = False
    retry_after: float | None = None


class Job(_State):
    """The Azure ML job of a run; ``status`` is in Azure ML's words."""

    name: str
    status: str
    workspace_id: str | None = None
    studio_url: str | None = None


class Cancellation(_State):
    cause: CancelCause
    requested_at: datetime
    accepted: bool = False


class Run(_State):
    """``checks`` counts status reads, ``failures`` the steps that failed in a row up to now."""

    request: RunRequest
    source: DataSource | None = None
    started_at: datetime | None = None
    identity: dict[str, str] | None = None
    job: Job | None = None
    submitted_at: datetime | None = None
    running_at: datetime | None = None
    checks: int = 0
    last_check_at: datetime | None = None
    failures: int = 0
    problem: Problem | None = None
    cancellation: Cancellation | None = None
    canceled_before_submission: bool = False

    @classmethod
    def from_json(cls, value: object) -> Self:
        return cls.model_validate(value)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def started(self, now: datetime) -> Self:
        return self if self.started_at else self.model_copy(update={"started_at": now})

    def authorized(self, answer: dict[str, Any]) -> Self:
        """``answer`` of the authorize activity: ``identity``, or ``error``."""
        return self._failed(answer) or self._succeeded(identity=answer["identity"])

    def submitted(self, answer: dict[str, Any], now: datetime) -> Self:
        """``answer`` of the invoke activity: ``job``, or ``canceled``, or ``error``."""
        if failed := self._failed(answer):
            return failed
        if answer.get("canceled"):
            return self._succeeded(canceled_before_submission=True)
        return self._succeeded(job=Job.model_validate(answer["job"]), submitted_at=now)

    def checked(self, answer: dict[str, Any], now: datetime) -> Self:
        """``answer`` of the check_status activity: ``status`` or ``error``, and ``cancel_requested``."""
        run = self._failed(answer) or self._with_status(answer["status"], now)
        run = run.model_copy(update={"checks": self.checks + 1, "last_check_at": now})
        if answer.get("cancel_requested") and run.cancellation is None:
            return run.canceling(CancelCause.REQUEST, now)
        return run

    def canceling(self, cause: CancelCause, now: datetime) -> Self:
        return self.model_copy(update={"cancellation": Cancellation(cause=cause, requested_at=now)})

    def cancel_answered(self, answer: dict[str, Any]) -> Self:
        """``answer`` of the cancel_job activity: ``accepted``, or ``error``, which hides no outcome."""
        assert self.cancellation is not None
        if failed := self._failed(answer):
            return failed
        accepted = self.cancellation.model_copy(update={"accepted": True})
        return self._succeeded(cancellation=accepted)

    @property
    def phase(self) -> Phase:
        """The phase of a run that has not ended."""
        if self.cancellation:
            return Phase.CANCELING
        if self.job:
            return Phase.RUNNING if self.running_at else Phase.QUEUED
        return Phase.SUBMITTING if self.identity else Phase.AUTHORIZING

    def _with_status(self, status: str, now: datetime) -> Self:
        assert self.job is not None
        works = job_status.bucket_of(status) is Bucket.WORKING
        return self._succeeded(
            job=self.job.model_copy(update={"status": status}),
            running_at=self.running_at or (now if works else None),
        )

    def _succeeded(self, **changes: Any) -> Self:
        return self.model_copy(update={"failures": 0, "problem": None, **changes})

    def _failed(self, answer: dict[str, Any]) -> Self | None:
        if "error" not in answer:
            return None
        problem = Problem.model_validate(answer["error"])
        return self.model_copy(update={"failures": self.failures + 1, "problem": problem})


def as_problem(error: RunError) -> Problem:
    return Problem.model_validate(error.to_json())
