"""What a run reports of itself: the custom status and the output of its orchestration.

The orchestrator writes them. The API, the list, housekeeping and the client read them.
"""

from datetime import datetime
from typing import Annotated, Any, NotRequired, Self, TypeVar

from pydantic import Field, ValidationError, WithJsonSchema

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.advice import advice, advice_meanwhile
from batch.run.outcome import End
from batch.run.phases import PENDING
from batch.run.source import SourceView
from batch.run.state import CancelCause, Run
from batch.run.steps import Failure, IdentityView, Job, JobReason, OutputLinks
from batch.stored import Stored
from batch.timestamps import Time, format_timestamp

S = TypeVar("S", bound=Stored)

Cause = Annotated[str, WithJsonSchema({"type": "string", "enum": [cause.value for cause in CancelCause]})]


class JobView(TypedDict):
    """The Azure ML job of a run; ``status`` is in Azure ML's words."""

    name: str
    status: str
    studio_url: str | None


class CancellationView(TypedDict):
    """``accepted``: Azure ML accepted the request; the job's status shows when it is canceled."""

    cause: Cause
    requested_at: Time
    accepted: bool


class ReasonView(TypedDict):
    """Why Azure ML says that the job failed. ``code`` and ``step`` are None where it does not tell them."""

    code: str | None
    message: str
    step: str | None


class FailureView(TypedDict):
    """A failure as the status reports it. Earlier versions of the app wrote no ``advice``.

    ``since``: only of a problem, and of a version since 1.3. ``reason``: only of a job that failed, since 1.4.
    """

    code: str
    message: str
    advice: NotRequired[str]
    since: NotRequired[str]
    reason: NotRequired[ReasonView]


class RunStatus(Stored):
    """The custom status. Its texts are not checked: a phase, code or job status of another version stays as it is.

    ``earlier_jobs`` are names: there is no room for more.
    """

    phase: str = PENDING
    endpoint_uri: str | None = None
    identity: IdentityView | None = None
    job: JobView | None = None
    job_attempt: int = 1
    earlier_jobs: tuple[str, ...] = ()
    checks: int = 0
    started_at: str | None = None
    submitted_at: str | None = None
    running_at: str | None = None
    stalled_since: str | None = None
    last_check_at: str | None = None
    next_check_at: str | None = None
    ended_at: str | None = None
    source: SourceView | None = None
    cancellation: CancellationView | None = None
    error: FailureView | None = None
    problem: FailureView | None = None

    @classmethod
    def read(cls, value: object) -> Self:
        """The status in an instance's custom status. What is not of this form takes its default."""
        return _read(cls, value)

    @classmethod
    def of(
        cls,
        run: Run,
        *,
        next_check_at: datetime | None = None,
        end: End | None = None,
        ended_at: datetime | None = None,
    ) -> Self:
        error = end.error if end else None
        problem = None if error else run.problem
        return cls(
            phase=(end.outcome if end else run.phase).value,
            endpoint_uri=run.request.endpoint_uri,
            identity=run.identity,
            job=_job_view(run.job),
            job_attempt=run.job_attempt,
            earlier_jobs=run.earlier_job_names,
            checks=run.checks,
            started_at=_time(run.started_at),
            submitted_at=_time(run.submitted_at),
            running_at=_time(run.running_at),
            stalled_since=_time(run.stalled_since),
            last_check_at=_time(run.last_check_at),
            next_check_at=_time(next_check_at),
            ended_at=_time(ended_at),
            source=run.source.shortened_view() if run.source else None,
            cancellation=_cancellation_view(run),
            error=_failure_view(error, advice(error.code)) if error else None,
            problem=_problem_view(run, problem) if problem else None,
        )

    @property
    def is_to_be_canceled(self) -> bool:
        """Whether Azure ML has yet to accept the cancel of the job."""
        return self.cancellation is not None and not self.cancellation["accepted"]

    def to_json(self) -> dict[str, Any]:
        """Well below the host's limit of 16 KB; holds no secret. What seldom occurs is left out, not null."""
        default = type(self)()
        seldom = (
            "source",
            "stalled_since",
            "cancellation",
            "error",
            "problem",
            "job_attempt",
            "earlier_jobs",
        )
        left_out = {name for name in seldom if getattr(self, name) == getattr(default, name)}
        return self.model_dump(mode="json", exclude=left_out)

    def job_names(self) -> list[str]:
        """Of all jobs of the run."""
        present = [self.job["name"]] if self.job else []
        return [*self.earlier_jobs, *present]


class RunResult(Stored):
    """The output of a run that completed."""

    outcome: str | None = None
    job: JobView | None = None
    outputs: dict[str, str] = Field(default_factory=dict)
    started_at: str | None = None
    submitted_at: str | None = None
    ended_at: str | None = None
    checks: int = 0
    resolved_inputs: dict[str, str] = Field(default_factory=dict)
    output_links: dict[str, OutputLinks] = Field(default_factory=dict)

    @classmethod
    def read(cls, output: object) -> Self:
        """The result in an instance's output. What is not of this form takes its default."""
        return _read(cls, output)

    @classmethod
    def of(cls, run: Run, ended_at: datetime, links: dict[str, OutputLinks] | None = None) -> Self:
        return cls(
            outcome="Completed",
            job=_job_view(run.job),
            outputs=run.job_request.output_uris(),
            started_at=_time(run.started_at),
            submitted_at=_time(run.submitted_at),
            ended_at=_time(ended_at),
            checks=run.checks,
            resolved_inputs=run.resolved_inputs,
            output_links=links or {},
        )

    def to_json(self) -> dict[str, Any]:
        """What few runs have is left out, not empty."""
        result = self.model_dump(mode="json")
        seldom = ("resolved_inputs", "output_links")
        return {name: value for name, value in result.items() if value or name not in seldom}


def reason_view(reason: JobReason) -> ReasonView:
    return {"code": reason.code, "message": reason.message, "step": reason.step}


def _read(kind: type[S], value: object) -> S:
    """One field of another form, as another version of the app may have written it, does not hide the others."""
    try:
        return kind.from_json(value)
    except ValidationError as error:
        if not isinstance(value, dict):
            return kind()
        odd = {details["loc"][0] for details in error.errors() if details["loc"]}
        return kind.from_json({name: each for name, each in value.items() if name not in odd})


def _job_view(job: Job | None) -> JobView | None:
    return {"name": job.name, "status": job.status, "studio_url": job.studio_url} if job else None


def _cancellation_view(run: Run) -> CancellationView | None:
    if run.cancellation is None:
        return None
    return {
        "cause": run.cancellation.cause.value,
        "requested_at": format_timestamp(run.cancellation.requested_at),
        "accepted": run.cancellation.accepted,
    }


def _failure_view(failure: Failure, what_to_do: str) -> FailureView:
    view: FailureView = {"code": failure.code, "message": failure.message, "advice": what_to_do}
    if failure.reason:
        view["reason"] = reason_view(failure.reason)
    return view


def _problem_view(run: Run, problem: Failure) -> FailureView:
    canceling = run.cancellation is not None and not run.cancellation.accepted
    view = _failure_view(problem, advice_meanwhile(problem.code, canceling=canceling))
    return {**view, "since": format_timestamp(run.problem_since)} if run.problem_since else view


def _time(moment: datetime | None) -> str | None:
    return format_timestamp(moment) if moment else None
