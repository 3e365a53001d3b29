"""A run in our words, put together from its durable status.

The shapes are what the HTTP API answers with, and what its OpenAPI document is generated from.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.api.advice import advice, advice_meanwhile
from batch.api.request import JobInput, JobOutput, RunRequest
from batch.errors import ErrorCode
from batch.run.believed_status import (
    ENDED_PHASES,
    ENDED_RUNTIME_STATUSES,
    PENDING,
    TERMINATED,
    UNFINISHED_RUNTIME_STATUSES,
    believed_status,
)
from batch.run.state import CancelCause, Phase, Run
from batch.timestamps import format_timestamp, parse_timestamp

PHASES = (PENDING, *(phase.value for phase in Phase), TERMINATED)

Time = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.123Z"]})
]
PhaseName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PHASES)})]
RuntimeStatus = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "enum": sorted({*ENDED_RUNTIME_STATUSES, *UNFINISHED_RUNTIME_STATUSES})}
    ),
]
Code = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "oneOf": [{"const": code.value, "description": advice(code.value)} for code in ErrorCode],
        }
    ),
]


class JobView(TypedDict):
    """The Azure ML job of a run; ``status`` is in Azure ML's words."""

    name: str
    status: str
    studio_url: str | None


class IdentityView(TypedDict):
    """As whom the app calls the endpoint; each id as far as the token tells it."""

    client_id: NotRequired[str]
    object_id: NotRequired[str]
    tenant_id: NotRequired[str]
    token_expires_at: NotRequired[Time]


class CancellationView(TypedDict):
    """``accepted``: Azure ML took the request; the job's status tells when it obeyed."""

    cause: CancelCause
    requested_at: Time
    accepted: bool


class Trouble(TypedDict):
    """What went wrong, and what to do about it."""

    code: Code
    message: str
    advice: str


class SourceView(TypedDict):
    """The new blobs that a run stands for; ``names`` are the first of them, in lists cut to what fits."""

    container: str
    folder: str
    count: int
    first_event_at: Time
    last_event_at: Time
    names: list[str]


class RequestView(TypedDict):
    """What the run was asked for, defaults filled in."""

    inputs: dict[str, JobInput]
    outputs: dict[str, JobOutput]
    deployment: NotRequired[str]
    experiment: NotRequired[str]
    poll_interval: int
    queue_timeout: NotRequired[int]
    timeout: int
    on_timeout: Literal["cancel", "leave"]


class RunView(TypedDict):
    """A run. ``request`` and ``outputs`` are left out in lists."""

    run_id: str
    phase: Annotated[PhaseName, Field(description="Where the run is, or how it ended")]
    runtime_status: Annotated[
        RuntimeStatus, Field(description="The orchestration's; the phase may end first")
    ]
    endpoint_uri: str | None
    identity: IdentityView | None
    job: JobView | None
    checks: Annotated[int, Field(description="Reads of the job's status so far")]
    started_at: Time
    submitted_at: Annotated[Time | None, Field(description="When the job was created")]
    running_at: Annotated[Time | None, Field(description="When the job was first seen running")]
    last_check_at: Time | None
    next_check_at: Time | None
    ended_at: Time | None
    cancellation: CancellationView | None
    problem: Annotated[Trouble | None, Field(description="The last failed step, while the run goes on")]
    error: Annotated[Trouble | None, Field(description="Why the run did not complete")]
    source: Annotated[SourceView | None, Field(description="The blobs that started the run")]
    request: NotRequired[RequestView]
    outputs: NotRequired[Annotated[dict[str, str], Field(description="Output URIs by name")]]


def run_view(
    run_id: str,
    *,
    runtime_status: RuntimeStatus,
    created_at: datetime,
    updated_at: datetime,
    run: Run | None,
    custom_status: object,
    output: object,
) -> RunView:
    """``run`` is the state in the instance's input, None in lists, which do not read it."""
    status = believed_status(runtime_status, custom_status, output, run)
    view: RunView = {
        "run_id": run_id,
        "phase": status["phase"],
        "runtime_status": runtime_status,
        "endpoint_uri": status.get("endpoint_uri") or (run.request.endpoint_uri if run else None),
        "identity": status.get("identity"),
        "job": status.get("job"),
        "checks": status.get("checks", 0),
        "started_at": status.get("started_at") or format_timestamp(created_at),
        "submitted_at": status.get("submitted_at"),
        "running_at": status.get("running_at"),
        "last_check_at": status.get("last_check_at"),
        "next_check_at": status.get("next_check_at"),
        "ended_at": status.get("ended_at"),
        "cancellation": status.get("cancellation"),
        "source": run.source.to_json() if run and run.source else status.get("source"),  # type: ignore[typeddict-item]
        "problem": _advised(status.get("problem"), advice_meanwhile),
        "error": _advised(status.get("error"), advice),
    }
    if run:
        view["request"] = _request_view(run.request)
        view["outputs"] = {name: binding.uri for name, binding in run.request.outputs.items()}
    if has_ended(view):
        view["ended_at"] = view["ended_at"] or _latest(format_timestamp(updated_at), view)
    return view


def has_ended(view: Mapping[str, Any]) -> bool:
    """As people see it. The runtime may take a while longer."""
    return view["phase"] in ENDED_PHASES


def _latest(updated_at: str, view: RunView) -> str:
    """The runtime tells the time of a terminate in whole seconds, so it can seem to be before what it ended.

    Compared as times: the hub may write one without the zeros at its end.
    """
    known = (view["started_at"], view["submitted_at"], view["running_at"], view["last_check_at"])
    moments = (parse_timestamp(time) for time in (updated_at, *known))
    return format_timestamp(max(moment for moment in moments if moment))


def started_at(view: Mapping[str, Any]) -> datetime | None:
    return parse_timestamp(view["started_at"])


def _request_view(request: RunRequest) -> RequestView:
    view: RequestView = request.model_dump(  # type: ignore[assignment]  # pydantic types every dump alike
        mode="json", exclude={"endpoint_uri"}, exclude_none=True
    )
    return view


def _advised(trouble: Mapping[str, str] | None, advise: Callable[[str], str]) -> Trouble | None:
    if not trouble:
        return None
    return {"code": trouble["code"], "message": trouble["message"], "advice": advise(trouble["code"])}
