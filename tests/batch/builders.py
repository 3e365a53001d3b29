"""Valid objects of the domain. A test changes the fields that it is about."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from batch.api.request import parse_request
from batch.api.run_view import RunView, run_view
from batch.errors import ErrorCode, FieldError, InvalidRequest
from batch.run.believed_status import believed_status
from batch.run.request import Binding, RunRequest
from batch.run.state import CancelCause, Cancellation, Run, SubmissionDoubt
from batch.run.status import RunResult, RunStatus
from batch.run.steps import Failure, Job
from batch.settings import Settings

ENDPOINT_URI = "https://scores.westeurope.inference.ml.azure.com/jobs"
INPUT_URI = "azureml://datastores/lake/paths/in/"
OUTPUT_URI = "azureml://datastores/lake/paths/out/{run_id}.csv"
WORKSPACE_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
    "/providers/Microsoft.MachineLearningServices/workspaces/ws"
)
STUDIO_URL = "https://ml.azure.com/runs/batchjob-1?wsid=/subscriptions/s/resourcegroups/rg/workspaces/ws"
START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def settings(**environment: str) -> Settings:
    return Settings.from_environment({"BATCH_ENDPOINT_URI": ENDPOINT_URI, **environment})


def body(**fields: Any) -> dict[str, Any]:
    """A valid request body in the short form; a field given as None is sent as null."""
    return {"endpoint_input_uri": INPUT_URI, **fields}


def parse(fields: object, key: str | None = None, *, app: Settings | None = None) -> tuple[str, RunRequest]:
    return parse_request(json.dumps(fields).encode(), key, app or settings())


def refusals(fields: object, key: str | None = None, *, app: Settings | None = None) -> list[FieldError]:
    """Why the request is refused; empty if it is accepted."""
    sent = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    try:
        parse_request(sent, key, app or settings())
    except InvalidRequest as error:
        assert error.errors, "a refusal without a reason"
        return error.errors
    return []


def request(**fields: Any) -> RunRequest:
    """The request of a run: one input, and one output whose path has the run id ``r-1``."""
    return RunRequest(
        **{
            "endpoint_uri": ENDPOINT_URI,
            "inputs": {"input_data": Binding(type="UriFolder", uri=INPUT_URI)},
            "outputs": {"output_data": Binding(type="UriFile", uri=OUTPUT_URI.replace("{run_id}", "r-1"))},
            "deployment": None,
            "experiment": None,
            "poll_interval": 120,
            "queue_timeout": None,
            "timeout": 86_400,
            "on_timeout": "cancel",
            "cancel_timeout": None,
            **fields,
        }
    )


def run(*, status: str | None = None, asked: RunRequest | None = None, **state: Any) -> Run:
    """A run that started at START; with ``status``, one whose job was submitted ten seconds later."""
    if status is not None:
        job = Job(name="batchjob-1", status=status, workspace_id=WORKSPACE_ID, studio_url=STUDIO_URL)
        state = {"identity": {"client_id": "c"}, "job": job, "submitted_at": after(10), **state}
    doubt = (
        {"submission": doubt_after(state.get("problem"), has_identity="identity" in state)}
        if status is None
        else {}
    )
    return Run(**{"request": asked or request(), "started_at": START, **doubt, **state})


def doubt_after(last: Failure | None, *, has_identity: bool) -> SubmissionDoubt | None:
    """The doubt that the last step left. An internal error of the step that submits is its crash."""
    if last is None:
        return None
    if last.code == ErrorCode.SUBMISSION_UNCERTAIN:
        return SubmissionDoubt.UNCERTAIN
    return SubmissionDoubt.CRASHED if last.code == ErrorCode.INTERNAL and has_identity else None


def failure(code: ErrorCode, *, retryable: bool = False, retry_after: float | None = None) -> Failure:
    return Failure(code=code, message="It went wrong.", retryable=retryable, retry_after=retry_after)


def canceling(
    cause: CancelCause,
    at: float,
    *,
    accepted: bool = True,
    accepted_at: float | None = None,
    attempts: int = 0,
    gives_up_at: float | None = None,
    last_refusal: str | None = None,
) -> dict[str, Any]:
    """The state of a run that began to cancel its job ``at`` seconds after START.

    A cancel on request without ``gives_up_at`` is one of a version before 1.3.
    """
    return {
        "cancellation": Cancellation(
            cause=cause,
            requested_at=after(at),
            accepted=accepted,
            accepted_at=None if accepted_at is None else after(accepted_at),
            attempts=attempts,
            gives_up_at=None if gives_up_at is None else after(gives_up_at),
            last_refusal=last_refusal,
        )
    }


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def custom_status(state: Run, **reported: Any) -> dict[str, Any]:
    return RunStatus.of(state, **reported).to_json()


def result(state: Run, ended_at: datetime) -> dict[str, Any]:
    return RunResult.of(state, ended_at).to_json()


def view_of(
    runtime_status: str,
    status: object,
    output: object = None,
    *,
    state: Run | None = None,
    started_at: datetime = START,
    updated_at: datetime = START,
) -> RunView:
    """The run ``r-1`` with this durable status, as the app shows it; ``state`` is that in its input, if read."""
    return run_view(
        "r-1",
        believed_status(runtime_status, status, output, state),
        runtime_status=runtime_status,
        started_at=started_at,
        updated_at=updated_at,
        run=state,
        result=RunResult.read(output) if runtime_status == "Completed" else None,
    )
