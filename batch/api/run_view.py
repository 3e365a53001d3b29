"""A run as the HTTP API shows it, put together from its status.

The shapes are what the API answers with. Its OpenAPI document is generated from them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, NotRequired

from pydantic import Field, WithJsonSchema

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.advice import advice, advice_meanwhile
from batch.api.request_fields import JobInput, JobOutput
from batch.errors import ErrorCode
from batch.run.attention import ADVICE, Attention
from batch.run.phases import ENDED_RUNTIME_STATUSES, PENDING, PHASES, UNFINISHED_RUNTIME_STATUSES, has_ended
from batch.run.request import RunRequest
from batch.run.source import SourceView
from batch.run.state import Run
from batch.run.status import (
    CancellationView,
    FailureView,
    JobView,
    ReasonView,
    RunResult,
    RunStatus,
    reason_view,
)
from batch.run.steps import IdentityView, OutputLinks
from batch.timestamps import Time, format_timestamp, parse_timestamp

PhaseName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PHASES)})]
RuntimeStatus = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "enum": sorted({*ENDED_RUNTIME_STATUSES, *UNFINISHED_RUNTIME_STATUSES})}
    ),
]


def _explained(texts: Mapping[str, str]) -> WithJsonSchema:
    """A closed list of codes, of which generators of clients make an enumeration. The description explains each."""
    description = "\n".join(f"- {code}: {text}" for code, text in texts.items())
    return WithJsonSchema({"type": "string", "enum": list(texts), "description": description})


Code = Annotated[str, _explained({code.value: advice(code.value) for code in ErrorCode})]
AttentionName = Annotated[str, _explained({code.value: text for code, text in ADVICE.items()})]


class Trouble(TypedDict):
    """What went wrong, and what to do about it."""

    code: Code
    message: str
    advice: str
    command: NotRequired[
        Annotated[str, Field(description="With access_denied: the Azure CLI command that gives the role")]
    ]


class Problem(Trouble):
    """A failed step that the app tries again."""

    since: NotRequired[
        Annotated[
            Time, Field(description="When the failures in a row began; versions before 1.3 do not tell it")
        ]
    ]


class RunFailure(Trouble):
    """Why a run did not complete."""

    reason: NotRequired[
        Annotated[
            ReasonView,
            Field(description="What Azure ML says of a job that failed; left out where it does not tell it"),
        ]
    ]


class AttentionView(TypedDict):
    """Why a person must look at a run for which nothing happens any more, and what to do."""

    code: AttentionName
    message: str
    advice: str
    since: Annotated[Time, Field(description="The last moment at which all was well")]


class EarlierJobView(TypedDict):
    """A job that failed for a passing reason. Lists have its name alone."""

    name: str
    studio_url: NotRequired[str | None]
    reason: NotRequired[ReasonView]


class OverridesView(TypedDict):
    """Settings of the deployment that hold for this job only."""

    mini_batch_size: NotRequired[int]
    instance_count: NotRequired[int]
    max_concurrency_per_instance: NotRequired[int]
    error_threshold: NotRequired[int]
    max_retries: NotRequired[int]
    retry_timeout: NotRequired[int]
    output_file_name: NotRequired[str]


class RequestView(TypedDict):
    """What the run was asked for. The last four are left out if they were not asked for."""

    inputs: dict[str, JobInput]
    outputs: dict[str, JobOutput]
    deployment: NotRequired[str]
    experiment: NotRequired[str]
    poll_interval: int
    queue_timeout: NotRequired[int]
    timeout: int
    on_timeout: Literal["cancel", "leave"]
    cancel_timeout: NotRequired[int]
    overrides: NotRequired[OverridesView]
    tags: NotRequired[dict[str, str]]
    job_attempts: NotRequired[int]
    retry_on: NotRequired[list[str]]


class RunView(TypedDict):
    """A run. Lists leave out ``request`` and what follows."""

    run_id: str
    phase: Annotated[PhaseName, Field(description="Where the run is, or how it ended")]
    runtime_status: Annotated[
        RuntimeStatus, Field(description="The orchestration's; the phase may end first")
    ]
    endpoint_uri: str | None
    identity: IdentityView | None
    job: JobView | None
    job_attempt: Annotated[int, Field(description="Counts the jobs of the run from 1")]
    earlier_jobs: Annotated[
        list[EarlierJobView],
        Field(description="Jobs that failed for a passing reason, so that the run submitted another one"),
    ]
    checks: Annotated[int, Field(description="Reads of the job's status so far")]
    started_at: Time
    pending_since: Annotated[Time | None, Field(description="Set while the run has not begun its first step")]
    submitted_at: Annotated[Time | None, Field(description="When the job was created")]
    running_at: Annotated[Time | None, Field(description="When the job was first seen running")]
    last_check_at: Time | None
    next_check_at: Time | None
    ended_at: Time | None
    cancellation: CancellationView | None
    problem: Annotated[Problem | None, Field(description="The last failed step, while the run goes on")]
    error: Annotated[RunFailure | None, Field(description="Why the run did not complete")]
    needs_attention: Annotated[
        AttentionView | None, Field(description="Why a person must look at the run, which goes on by itself")
    ]
    source: Annotated[SourceView | None, Field(description="The blobs that started the run")]
    rerun_of: Annotated[str | None, Field(description="The run whose request this one repeats")]
    reruns: Annotated[list[str], Field(description="The runs that repeat this one, the latest last")]
    tags: NotRequired[Annotated[dict[str, str], Field(description="Left out if there are none")]]
    request: NotRequired[RequestView]
    outputs: NotRequired[Annotated[dict[str, str], Field(description="Output URIs by name")]]
    output_links: NotRequired[
        Annotated[
            dict[str, OutputLinks], Field(description="Where the outputs of a completed job are, by name")
        ]
    ]
    resolved_inputs: NotRequired[
        Annotated[
            dict[str, str],
            Field(description="Which version of a data asset was scored, by the names of inputs"),
        ]
    ]


def run_view(
    run_id: str,
    status: RunStatus,
    *,
    runtime_status: RuntimeStatus,
    started_at: datetime,
    updated_at: datetime,
    run: Run | None = None,
    result: RunResult | None = None,
) -> RunView:
    """``started_at`` is shown only if ``status`` does not tell it. ``run`` is None where the request was not read.

    ``result`` is the output of a run that completed.

    Whether the run needs attention depends on the time, so the caller adds it.
    """
    view: RunView = {
        "run_id": run_id,
        "phase": status.phase,
        "runtime_status": runtime_status,
        "endpoint_uri": status.endpoint_uri or (run.request.endpoint_uri if run else None),
        "identity": status.identity,
        "job": status.job,
        "job_attempt": status.job_attempt,
        "earlier_jobs": _earlier_jobs(status, run),
        "checks": status.checks,
        "started_at": status.started_at or format_timestamp(started_at),
        "pending_since": None,
        "submitted_at": status.submitted_at,
        "running_at": status.running_at,
        "last_check_at": status.last_check_at,
        "next_check_at": status.next_check_at,
        "ended_at": status.ended_at,
        "cancellation": status.cancellation,
        "source": run.source.view() if run and run.source else status.source,
        "problem": _problem(status.problem, canceling=status.is_to_be_canceled),
        "error": _failure(status.error),
        "needs_attention": None,
        "rerun_of": run.rerun_of if run else None,
        "reruns": [],
    }
    if status.phase == PENDING:
        view["pending_since"] = view["started_at"]
    if run:
        if run.request.tags:
            view["tags"] = run.request.tags
        view["request"] = _request_view(run.request)
        # The custom status may be lost, and the state may be of before the present step.
        view["job_attempt"] = max(status.job_attempt, run.job_attempt)
        view["outputs"] = run.request.of_job(view["job_attempt"]).output_uris()
        if resolved := run.resolved_inputs or (result.resolved_inputs if result else {}):
            view["resolved_inputs"] = resolved
        if result and result.output_links:
            view["output_links"] = result.output_links
    if has_ended(view["phase"], runtime_status):
        view["ended_at"] = view["ended_at"] or _latest(format_timestamp(updated_at), view)
    return view


def attention_view(attention: Attention | None) -> AttentionView | None:
    if attention is None:
        return None
    return {
        "code": attention.code.value,
        "message": attention.message,
        "advice": attention.advice,
        "since": format_timestamp(attention.since),
    }


def _latest(updated_at: str, view: RunView) -> str:
    """The runtime gives the time of a terminate in whole seconds, so it can be earlier than what it ended.

    Compared as times: the task hub may write one without the zeros at its end.
    """
    known = (view["started_at"], view["submitted_at"], view["running_at"], view["last_check_at"])
    moments = (parse_timestamp(time) for time in (updated_at, *known))
    return format_timestamp(max(moment for moment in moments if moment))


def _earlier_jobs(status: RunStatus, run: Run | None) -> list[EarlierJobView]:
    """The state tells more of them than the status, but may be of before the present step."""
    views: list[EarlierJobView] = []
    for job in run.earlier_jobs if run else ():
        view: EarlierJobView = {"name": job.name, "studio_url": job.studio_url}
        views.append({**view, "reason": reason_view(job.reason)} if job.reason else view)
    views += [EarlierJobView(name=name) for name in status.earlier_jobs[len(views) :]]
    return views


def _request_view(request: RunRequest) -> RequestView:
    view: RequestView = request.model_dump(  # type: ignore[assignment]  # pydantic types every dump alike
        mode="json",
        exclude={"endpoint_uri": True, "outputs": {"__all__": {"template", "by_default"}}},
        exclude_defaults=True,
    )
    return view


def _problem(failure: FailureView | None, *, canceling: bool) -> Problem | None:
    """With the advice of this version, whichever wrote the status."""
    if failure is None:
        return None
    code = failure["code"]
    what_to_do = advice_meanwhile(code, canceling=canceling)
    view: Problem = {"code": code, "message": failure["message"], "advice": what_to_do}
    if since := failure.get("since"):
        view["since"] = since
    return view


def _failure(failure: FailureView | None) -> RunFailure | None:
    """As ``_problem``, for a run that has ended."""
    if failure is None:
        return None
    code = failure["code"]
    view: RunFailure = {"code": code, "message": failure["message"], "advice": advice(code)}
    if reason := failure.get("reason"):
        view["reason"] = reason
    return view
