"""One check: the job's status as the endpoint reports it, and whether somebody asked to cancel the run."""

import asyncio
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.azure_ml.endpoint import read_job
from batch.errors import RunError
from batch.names import CHECK_STATUS
from batch.run.steps import Checked, CheckStatus, Failure
from batch.settings import app_settings
from task_hub.submissions import read_submission

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=CHECK_STATUS)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def check_status(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes a CheckStatus and answers with a Checked. An error does not hide that a cancel was requested."""
    asked = CheckStatus.from_json(value)
    submission = await read_submission(client, asked.run_id)
    status, failure = None, None
    try:
        job = await asyncio.to_thread(read_job, asked.endpoint_uri, asked.job_name, app_settings())
        status = job.status
    except RunError as error:
        failure = Failure.of(error)
    checked = Checked(status=status, error=failure, cancel_requested=submission.cancel_requested)
    return checked.to_json()
