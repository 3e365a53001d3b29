"""The state of a run, small enough to be carried through continue-as-new, and how answers change it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from batch.api.request import RunRequest
from batch.durable_timer import time_after
from batch.errors import HEALS_WITH_TIME, ErrorCode, RunError
from batch.run import job_status
from batch.run.job_status import Bucket
from batch.run.source import DataSource
from batch.run.submission import Purpose, submission_uncertain


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
    # Models are built at first use, not at each cold start of the app.
    model_config = ConfigDict(frozen=True, defer_build=True)


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
    """``attempts`` counts how often Azure ML was asked and did not accept.

    ``accepted`` is its answer to the last request, given at ``accepted_at``; whether it obeys is another matter.
    """

    cause: CancelCause
    requested_at: datetime
    accepted: bool = False
    accepted_at: datetime | None = None
    attempts: int = 0


class Run(_State):
    """``checks`` counts status reads, ``failures`` the steps that failed in a row.

    ``lasting_failures`` counts those among them that time alone does not heal, since ``failing_since``.
    ``step_due_at`` is when the next step is due, where a nudge came first; without it the step is due. After a
    timer ``timer_fired_for`` is the time that it was for: that is past, whatever the clock says.
    ``failure`` is set by the execution that ends the run, for the next one to raise.
    """

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
    lasting_failures: int = 0
    failing_since: datetime | None = None
    step_due_at: datetime | None = None
    timer_fired_for: datetime | None = None
    problem: Problem | None = None
    cancellation: Cancellation | None = None
    canceled_before_submission: bool = False
    failure: Problem | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        return cls.model_validate(value)

    def to_json(self) -> dict[str, Any]:
        """Small, as it travels several times with every check: what is zero or False is left out, too."""
        state = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in state.items() if value not in (0, False)}

    def started(self, now: datetime) -> Self:
        return self if self.started_at else self.model_copy(update={"started_at": now})

    def time(self, clock: datetime) -> datetime:
        """The time to decide by, where the orchestration's clock says ``clock``."""
        return time_after(self.timer_fired_for, clock)

    def waited(self, step_due_at: datetime, *, timer_fired: bool) -> Self:
        """After a wait for ``step_due_at``, which that timer ended or, before it, a nudge."""
        if timer_fired:
            return self.model_copy(update={"step_due_at": None, "timer_fired_for": step_due_at})
        return self.model_copy(update={"step_due_at": step_due_at})

    def failed(self, failure: Problem) -> Self:
        return self.model_copy(update={"failure": failure})

    def authorized(self, answer: dict[str, Any], now: datetime) -> Self:
        """``answer`` of the authorize activity: ``identity``, or ``error``."""
        return self._failed(answer, now) or self._succeeded(identity=answer["identity"])

    def submitted(self, answer: dict[str, Any], now: datetime, purpose: Purpose = Purpose.SUBMIT) -> Self:
        """``answer`` of the invoke activity: ``job``, ``canceled``, ``absent``, ``unchanged`` or ``error``."""
        if answer.get("unchanged") or (purpose is Purpose.NOTICE_CANCEL and "error" in answer):
            # A look that fails is made good by the step that is due.
            return self
        if failed := self._failed(answer, now):
            return failed._in_doubt(self.problem) if purpose is Purpose.FIND else failed
        if answer.get("absent"):
            return self._succeeded() if self._is_in_doubt or self.submission_broke else self
        if answer.get("canceled"):
            return self._succeeded(canceled_before_submission=True)
        return self._succeeded(job=Job.model_validate(answer["job"]), submitted_at=now)

    def checked(self, answer: dict[str, Any], now: datetime) -> Self:
        """``answer`` of the check_status activity: ``status`` or ``error``, and ``cancel_requested``."""
        run = self._failed(answer, now) or self._with_status(answer["status"], now)
        run = run.model_copy(update={"checks": self.checks + 1, "last_check_at": now})
        if answer.get("cancel_requested") and run.cancellation is None:
            return run.canceling(CancelCause.REQUEST, now)
        return run

    def canceling(self, cause: CancelCause, now: datetime) -> Self:
        return self.model_copy(update={"cancellation": Cancellation(cause=cause, requested_at=now)})

    def cancel_answered(self, answer: dict[str, Any], now: datetime) -> Self:
        """``answer`` of the cancel_job activity: ``accepted``, or ``error``, which hides no outcome."""
        assert self.cancellation is not None
        if failed := self._failed(answer, now):
            refused = {"accepted": False, "attempts": self.cancellation.attempts + 1}
            tried = self.cancellation.model_copy(update=refused)
            return failed.model_copy(update={"cancellation": tried})
        accepted = self.cancellation.model_copy(update={"accepted": True, "accepted_at": now})
        return self._succeeded(cancellation=accepted)

    @property
    def phase(self) -> Phase:
        """The phase of a run that has not ended."""
        if self.cancellation:
            return Phase.CANCELING
        if self.job:
            return Phase.RUNNING if self.running_at else Phase.QUEUED
        return Phase.SUBMITTING if self.identity else Phase.AUTHORIZING

    @property
    def submission_broke(self) -> bool:
        """The step that submits broke instead of answering, so that nobody has looked whether there is a job."""
        broke = self.problem is not None and self.problem.code is ErrorCode.INTERNAL
        return broke and self.identity is not None and self.job is None

    @property
    def _is_in_doubt(self) -> bool:
        return self.problem is not None and self.problem.code is ErrorCode.SUBMISSION_UNCERTAIN

    def _in_doubt(self, before: Problem | None) -> Self:
        """A search that fails past the deadline leaves it open whether there is a job."""
        if self._is_in_doubt:
            return self
        if before and before.code is ErrorCode.SUBMISSION_UNCERTAIN:
            return self.model_copy(update={"problem": before})
        assert self.problem is not None
        return self.model_copy(
            update={
                "problem": as_problem(submission_uncertain(f"and the search failed: {self.problem.message}"))
            }
        )

    def _with_status(self, status: str, now: datetime) -> Self:
        assert self.job is not None
        works = job_status.bucket_of(status) is Bucket.WORKING
        return self._succeeded(
            job=self.job.model_copy(update={"status": status}),
            running_at=self.running_at or (now if works else None),
        )

    def _succeeded(self, **changes: Any) -> Self:
        good = {
            "failures": 0,
            "lasting_failures": 0,
            "failing_since": None,
            "problem": None,
            "step_due_at": None,
        }
        return self.model_copy(update={**good, **changes})

    def _failed(self, answer: dict[str, Any], now: datetime) -> Self | None:
        if "error" not in answer:
            return None
        problem = Problem.model_validate(answer["error"])
        lasts = problem.code not in HEALS_WITH_TIME
        return self.model_copy(
            update={
                "failures": self.failures + 1,
                "lasting_failures": self.lasting_failures + lasts,
                "failing_since": self.failing_since or (now if lasts else None),
                "problem": problem,
                "step_due_at": None,
            }
        )


def as_problem(error: RunError) -> Problem:
    return Problem.model_validate(error.to_json())
