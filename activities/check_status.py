"""One check: the job's status as the endpoint reports it, and whether somebody asked to cancel the run."""

import logging
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch import thread_pools
from batch.azure_ml.endpoint import read_job
from batch.errors import RunError
from batch.log import log_event
from batch.names import CHECK_STATUS
from batch.run.steps import Checked, CheckStatus, Failure
from batch.settings import app_settings
from ledger.run_row import RunRow
from task_hub.progress import note_job, note_job_status
from task_hub.submissions import row_of

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=CHECK_STATUS)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def check_status(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes a CheckStatus and answers with a Checked. An error does not hide that a cancel was requested."""
    asked = CheckStatus.from_json(value)
    row = await _row(client, asked.run_id)
    status, failure = None, None
    try:
        job = await thread_pools.azure_ml.run(read_job, asked.endpoint_uri, asked.job_name, app_settings())
        status = job.status
    except RunError as error:
        failure = Failure.of(error)
    if row and status and (noted := await note_job(client, row, asked.job_name)):
        await note_job_status(client, noted, status)
    canceled = row is not None and row.submission.cancel_requested
    return Checked(status=status, error=failure, cancel_requested=canceled).to_json()


async def _row(client: df.DurableOrchestrationClient, run_id: str) -> RunRow | None:
    """None if the ledger fails: how the job ends must be seen all the same. A cancel is seen by a later check."""
    try:
        return await row_of(client, run_id)
    except RunError as error:
        log_event(logger, logging.WARNING, "cancel_not_looked_up", run=run_id, reason=error)
        return None
