"""A run up to the step that a test is about, and what the activities answer."""

import json
from typing import Any

from batch.errors import ErrorCode, RunError
from batch.run.request import RunRequest
from batch.run.state import Run
from batch.run.steps import Failure
from tests.batch.builders import ENDPOINT_URI, START, WORKSPACE_ID, request
from tests.orchestrators.execution import Answer, Execution, Handle

IDENTITY = {"identity": {"client_id": "c", "token_expires_at": "2026-01-31T13:00:00.000Z"}}
JOB = {
    "job": {
        "name": "batchjob-1",
        "status": "Preparing",
        "workspace_id": WORKSPACE_ID,
        "studio_url": "https://ml.azure.com/1",
    }
}
RUNNING = {"status": "Running", "cancel_requested": False}
CHECK = ("check_status", {"run_id": "r-1", "endpoint_uri": ENDPOINT_URI, "job_name": "batchjob-1"})
CANCEL = ("cancel_job", {"run_id": "r-1", "job_name": "batchjob-1", "workspace_id": WORKSPACE_ID})


def error(code: ErrorCode, message: str = "It went wrong.", **options: Any) -> dict[str, Any]:
    return {"error": Failure.of(RunError(code, message, **options)).to_json()}


def started(handle: Handle, asked: RunRequest | None = None) -> Execution:
    """As the Python client starts it: JSON in a text."""
    return Execution(handle, json.dumps(Run(request=asked or request()).to_json()), START)


def submitted(handle: Handle, asked: RunRequest | None = None) -> Execution:
    """Up to its first check."""
    execution = started(handle, asked)
    execution.complete(IDENTITY)
    execution.complete(JOB)
    return execution


def waiting(handle: Handle, asked: RunRequest | None = None, status: object = RUNNING) -> Execution:
    execution = submitted(handle, asked)
    execution.complete(status)
    assert execution.answer.waits
    return execution


def custom_status(answer: Answer) -> dict[str, Any]:
    assert answer.custom_status is not None
    return answer.custom_status
