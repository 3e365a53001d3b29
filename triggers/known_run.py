"""The run that the address of a request names."""

import re

import azure.durable_functions as df
import azure.functions as func

from batch.api.request_fields import RUN_ID_PATTERN
from batch.api.responses import ApiError
from task_hub.known_runs import KnownRun, find_run
from task_hub.runs import NotARun
from triggers.problem_details import error_response


def may_be_run_id(text: str) -> bool:
    """What cannot be one must not reach the SDK, which would put it into the address of the task hub as it is."""
    return re.fullmatch(RUN_ID_PATTERN, text) is not None


async def named_run(client: df.DurableOrchestrationClient, run_id: str) -> KnownRun | None:
    """None for an id that no run has. Raises RunError."""
    if not may_be_run_id(run_id):
        return None
    try:
        return await find_run(client, run_id)
    except NotARun:
        return None


def unknown_run(run_id: str) -> func.HttpResponse:
    return error_response(ApiError.NO_SUCH_RUN, f"There is no run {run_id}.")
