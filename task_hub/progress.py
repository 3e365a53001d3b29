"""Keeps the lists of runs up to date. A run never waits for them: what is not noted now is noted at a later check."""

import logging
from dataclasses import replace

import azure.durable_functions as df

from batch.errors import RunError
from batch.log import log_event
from batch.run.job_status import Bucket, bucket_of
from batch.run.phases import PENDING, Phase
from batch.run.status import RunStatus
from ledger.run_row import RunRow
from ledger.runs import RunEnd, note_phase
from task_hub.job_owners import own_job
from task_hub.ledger import ledger_of
from task_hub.notifications import end_and_notify
from task_hub.submissions import row_of

logger = logging.getLogger(__name__)


async def note_job(client: df.DurableOrchestrationClient, row: RunRow, job_name: str) -> RunRow | None:
    """Notes that the job belongs to the run, if the step that submitted could not. The row, as it is then.

    None if it cannot be noted: the next check tries again, as long as no phase of the job is noted.
    """
    if row.phase != PENDING or job_name in row.earlier_jobs:
        return row
    try:
        owned = await own_job(client, row, job_name)
    except RunError as error:
        log_event(logger, logging.WARNING, "owner_not_recorded", run=row.run_id, job=job_name, reason=error)
        return None
    return replace(row, phase=Phase.QUEUED.value, etag="") if owned else row


async def note_job_status(client: df.DurableOrchestrationClient, row: RunRow, job_status: str) -> None:
    """Notes the phase of the run, by the status of its job, if the lists do not know it yet."""
    phase = _phase(row, bucket_of(job_status))
    if phase != row.phase:
        await _try_to_note(client, row, phase)


async def note_canceling(client: df.DurableOrchestrationClient, run_id: str) -> None:
    try:
        row = await row_of(client, run_id)
    except RunError as error:
        log_event(logger, logging.WARNING, "phase_not_noted", run=run_id, reason=error)
        return
    if row.phase != Phase.CANCELING:
        await _try_to_note(client, row, Phase.CANCELING)


async def note_end(client: df.DurableOrchestrationClient, run_id: str, status: RunStatus) -> None:
    """Raises RunError if the ledger fails: housekeeping notes the end then."""
    row = await row_of(client, run_id)
    runtime_status = "Completed" if status.phase == Phase.COMPLETED else "Failed"
    await end_and_notify(client, ledger_of(client), row, RunEnd(status, runtime_status))


def _phase(row: RunRow, bucket: Bucket) -> str:
    if bucket is Bucket.ENDED or row.phase == Phase.CANCELING:
        return row.phase
    if row.submission.cancel_requested:
        return Phase.CANCELING.value
    if bucket is Bucket.WORKING:
        return Phase.RUNNING.value
    return Phase.QUEUED.value if row.phase == PENDING else row.phase


async def _try_to_note(client: df.DurableOrchestrationClient, row: RunRow, phase: str) -> None:
    try:
        await note_phase(ledger_of(client), row, phase)
    except RunError as error:
        log_event(logger, logging.WARNING, "phase_not_noted", run=row.run_id, reason=error)
