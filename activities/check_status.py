"""One check: the job's status as the endpoint tells it, and whether someone asked to cancel the run."""

import asyncio
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.azure_ml.endpoint import read_job
from batch.errors import RunError
from batch.names import CHECK_STATUS
from batch.settings import app_settings
from task_hub.submissions import read_submission

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=CHECK_STATUS)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def check_status(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes ``{run_id, endpoint_uri, job_name}``; answers ``cancel_requested``, ``status`` or ``error``."""
    mark = await read_submission(client, value["run_id"])
    answer: dict[str, Any] = {"cancel_requested": mark.cancel_requested}
    try:
        job = await asyncio.to_thread(read_job, value["endpoint_uri"], value["job_name"], app_settings())
    except RunError as error:
        return {**answer, "error": error.to_json()}
    return {**answer, "status": job.status}
