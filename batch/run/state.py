"""The state of a run, small enough to be carried through continue-as-new, and how answers change it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from batch.durable_timer import time_after
from batch.errors import ErrorCode
from batch.run import job_status
from batch.run.job_status import Bucket
from batch.run.patience import PATIENCE, Patience
from batch.run.phases import Phase
from batch.run.request import RunRequest
from batch.run.source import DataSource
from batch.run.steps import (
    Answer,
    Authorized,
    CancelAnswered,
    Checked,
    Failure,
    IdentityView,
    Invoked,
    InvokeMode,
    Job,
    JobReason,
)
from batch.run.submission import submission_uncertain
from batch.stored import Stored


class CancelCause(StrEnum):
    REQUEST = "request"
    TIMEOUT = "timeout"
    QUEUE_TIMEOUT = "queue_timeout"

    @classmethod
    def _missing_(cls, value: object) -> "CancelCause":
        """A cause that only another version of the app knows: the job is canceled, whatever for."""
        return cls.REQUEST


class SubmissionDoubt(StrEnum):
    """Why a run without a job may have one after all."""

    UNCERTAIN = "uncertain"
    """A job may have been submitted. A search did not decide it."""
    CRASHED = "crashed"
    """The step that submits crashed. No search for a job followed yet."""

    @classmethod
    def _missing_(cls, value: object) -> "SubmissionDoubt":
        """A doubt that only another version of the app knows."""
        return cls.UNCERTAIN


class Cancellation(Stored):
    """``attempts`` counts how often Azure ML was asked and did not accept.

    ``accepted`` is its answer to the last request, given at ``accepted_at``; the job's status shows its effect.
    ``last_refusal`` is why it did not accept the last one. The run stops waiting at ``gives_up_at``; without it,
    the time follows from the run's timeout.
    """

    cause: CancelCause
    requested_at: datetime
    accepted: bool = False
    accepted_at: datetime | None = None
    attempts: int = 0
    last_refusal: str | None = None
    gives_up_at: datetime | None = None


class EarlierJob(Stored):
    """A job of a run that failed for a passing reason, after which the run submitted another one."""

    name: str
    studio_url: str | None = None
    reason: JobReason | None = None


class Run(Stored):
    """``checks`` counts status reads, ``failures`` the steps that failed in a row.

    ``stalled_since`` is when the job was first read in one of the statuses of ``job_status.STALLED``, if it still is.

    ``lasting_failures`` counts those of them that are not transient, since ``failing_since``. ``problem`` is the
    failure of the last step, ``problem_since`` when the failures in a row began, ``refused_since`` when the
    submission was first refused with 401 or 403, if roles that take effect may still help, ``submission`` whether a
    job may exist of which the run does not know. ``step_due_at`` is set when a nudge interrupted the wait, and for
    the pause before another job: it is still due at that time. Without it the step is due now. ``timer_fired_for``
    is the time of the timer that fired: that time is past, whatever the clock says. ``failure`` is set by the
    execution that ends the run, for the next one to raise.

    ``resolved_inputs``: by the names of inputs, what their labels and versions stood for. ``job_attempt`` counts the
    jobs of the run from 1; ``earlier_jobs`` are those that failed for a passing reason. ``rerun_of`` is the run whose
    request this one repeats, ``first_run`` the one with which such repeating began: ``rerun_of`` may be a rerun, too.
    """

    request: RunRequest
    source: DataSource | None = None
    started_at: datetime | None = None
    identity: IdentityView | None = None
    job: Job | None = None
    submitted_at: datetime | None = None
    running_at: datetime | None = None
    stalled_since: datetime | None = None
    checks: int = 0
    last_check_at: datetime | None = None
    failures: int = 0
    lasting_failures: int = 0
    failing_since: datetime | None = None
    refused_since: datetime | None = None
    step_due_at: datetime | None = None
    timer_fired_for: datetime | None = None
    problem: Failure | None = None
    problem_since: datetime | None = None
    submission: SubmissionDoubt | None = None
    cancellation: Cancellation | None = None
    canceled_before_submission: bool = False
    failure: Failure | None = None
    resolved_inputs: dict[str, str] = Field(default_factory=dict)
    job_attempt: int = 1
    earlier_jobs: tuple[EarlierJob, ...] = ()
    rerun_of: str | None = None
    first_run: str | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        run = super().from_json(value)
        doubt = run.submission or _doubt_of_earlier_version(run)
        return run if doubt is run.submission else run.model_copy(update={"submission": doubt})

    def started(self, now: datetime) -> Self:
        return self if self.started_at else self.model_copy(update={"started_at": now})

    def time(self, clock: datetime) -> datetime:
        """The time to decide by, where the orchestration's clock says ``clock``."""
        return time_after(self.timer_fired_for, clock)

    def waited(self, step_due_at: datetime, *, timer_fired: bool) -> Self:
        """Records how the wait for ``step_due_at`` ended: the timer fired, or a nudge came first."""
        if timer_fired:
            return self.model_copy(update={"step_due_at": None, "timer_fired_for": step_due_at})
        return self.model_copy(update={"step_due_at": step_due_at})

    def failed(self, failure: Failure) -> Self:
        return self.model_copy(update={"failure": failure})

    @property
    def job_request(self) -> RunRequest:
        """The request of the present job, with outputs of its own."""
        return self.request.of_job(self.job_attempt)

    @property
    def earlier_job_names(self) -> tuple[str, ...]:
        return tuple(job.name for job in self.earlier_jobs)

    def with_next_job(self, failed: Job, reason: JobReason | None, resumes_at: datetime) -> Self:
        """The run after a job that failed for a passing reason: it submits another one at ``resumes_at``."""
        earlier = EarlierJob(name=failed.name, studio_url=failed.studio_url, reason=reason)
        return self._after_success(
            job=None,
            job_attempt=self.job_attempt + 1,
            earlier_jobs=(*self.earlier_jobs, earlier),
            submitted_at=None,
            running_at=None,
            stalled_since=None,
            step_due_at=resumes_at,
        )

    def authorized(self, answer: Authorized, now: datetime, patience: Patience = PATIENCE) -> Self:
        return self._after_failure(answer, now, patience) or self._after_success(identity=answer.identity)

    def invoked(
        self,
        answer: Invoked,
        now: datetime,
        mode: InvokeMode = InvokeMode.SUBMIT,
        patience: Patience = PATIENCE,
    ) -> Self:
        if answer.unchanged or (mode is InvokeMode.CHECK_FOR_CANCEL and answer.error):
            # A failed check for a cancel changes nothing: the next due step checks again.
            return self
        if answer.job and answer.job.name in self.earlier_job_names:
            answer = Invoked.failed(
                submission_uncertain(
                    f"because {answer.job.name}, which has failed, was taken for it", retryable=True
                )
            )
        if answer.absent and self.submission is None:
            # There was no doubt: what failed last stays the reason.
            return self
        if failed := self._after_failure(answer, now, patience):
            return failed._with_doubt(answer, mode, before=self)
        if answer.absent:
            return self._after_success()
        if answer.canceled:
            return self._after_success(canceled_before_submission=True)
        return self._after_success(job=answer.job, submitted_at=now, resolved_inputs=answer.resolved_inputs)

    def checked(self, answer: Checked, now: datetime, patience: Patience = PATIENCE) -> Self:
        run = self._after_failure(answer, now, patience) or self._with_status(answer.status, now)
        run = run.model_copy(update={"checks": self.checks + 1, "last_check_at": now})
        if answer.cancel_requested and run.cancellation is None:
            return run.canceling(CancelCause.REQUEST, now)
        return run

    def canceling(self, cause: CancelCause, now: datetime) -> Self:
        gives_up_at = now + self.request.time_to_cancel() if cause is CancelCause.REQUEST else None
        cancellation = Cancellation(cause=cause, requested_at=now, gives_up_at=gives_up_at)
        return self.model_copy(update={"cancellation": cancellation})

    def cancel_answered(self, answer: CancelAnswered, now: datetime, patience: Patience = PATIENCE) -> Self:
        """A cancel that failed does not hide how the job ends."""
        assert self.cancellation is not None
        if failed := self._after_failure(answer, now, patience):
            refused = {
                "accepted": False,
                "attempts": self.cancellation.attempts + 1,
                "last_refusal": failed.problem.message if failed.problem else None,
            }
            tried = self.cancellation.model_copy(update=refused)
            # The checks between two requests succeed, and end no refusal.
            since = self.cancellation.accepted_at or self.cancellation.requested_at
            return failed.model_copy(update={"cancellation": tried, "problem_since": since})
        accepted = {"accepted": True, "accepted_at": now, "last_refusal": None}
        return self._after_success(cancellation=self.cancellation.model_copy(update=accepted))

    @property
    def phase(self) -> Phase:
        """The phase of a run that has not ended."""
        if self.cancellation:
            return Phase.CANCELING
        if self.job:
            return Phase.RUNNING if self.running_at else Phase.QUEUED
        return Phase.SUBMITTING if self.identity else Phase.AUTHORIZING

    def _with_doubt(self, answer: Invoked, mode: InvokeMode, before: "Run") -> Self:
        """After a failure of ``invoke``. Past the deadline a failed search leaves open whether there is a job."""
        assert self.problem is not None
        if self.problem.code == ErrorCode.SUBMISSION_UNCERTAIN:
            return self.model_copy(update={"submission": SubmissionDoubt.UNCERTAIN})
        if answer.absent:
            return self.model_copy(update={"submission": None})
        if mode is InvokeMode.FIND:
            problem = Failure.of(submission_uncertain(f"and the search failed: {self.problem.message}"))
            if before.submission is SubmissionDoubt.UNCERTAIN and before.problem:
                problem = before.problem
            return self.model_copy(update={"submission": SubmissionDoubt.UNCERTAIN, "problem": problem})
        crashed = answer.crashed and self.identity is not None
        return self.model_copy(update={"submission": SubmissionDoubt.CRASHED if crashed else None})

    def _with_status(self, status: str | None, now: datetime) -> Self:
        assert self.job is not None and status is not None
        works = job_status.bucket_of(status) is Bucket.WORKING
        return self._after_success(
            job=self.job.model_copy(update={"status": status}),
            running_at=self.running_at or (now if works else None),
            stalled_since=(self.stalled_since or now) if status in job_status.STALLED else None,
        )

    def _after_success(self, **changes: Any) -> Self:
        good = {
            "failures": 0,
            "lasting_failures": 0,
            "failing_since": None,
            "refused_since": None,
            "problem": None,
            "problem_since": None,
            "submission": None,
            "step_due_at": None,
        }
        return self.model_copy(update={**good, **changes})

    def _after_failure(self, answer: Answer, now: datetime, patience: Patience) -> Self | None:
        if answer.error is None:
            return None
        refused = (
            patience.waits_for_roles and self.job is None and answer.error.code == ErrorCode.ACCESS_DENIED
        )
        lasts = not refused and answer.error.code not in patience.transient
        return self.model_copy(
            update={
                "failures": self.failures + 1,
                "lasting_failures": self.lasting_failures + lasts,
                "failing_since": self.failing_since or (now if lasts else None),
                "refused_since": self.refused_since or (now if refused else None),
                "problem": answer.error,
                "problem_since": self.problem_since or now,
                "step_due_at": None,
            }
        )


def _doubt_of_earlier_version(run: Run) -> SubmissionDoubt | None:
    """Versions before the field ``submission`` left it to be read from the last failure."""
    if run.job or run.problem is None:
        return None
    if run.problem.code == ErrorCode.SUBMISSION_UNCERTAIN:
        return SubmissionDoubt.UNCERTAIN
    crashed = run.problem.code == ErrorCode.INTERNAL and run.identity is not None
    return SubmissionDoubt.CRASHED if crashed else None
