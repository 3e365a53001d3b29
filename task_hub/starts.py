"""Starts runs: the row in the ledger first, the orchestration next.

durable-functions behaviour: the extension looks for the instance, and writes it some milliseconds later. Who comes in
between starts it again. Exactly one caller adds the row, so only that one starts the orchestration.
"""

import logging
from datetime import UTC, datetime

import azure.durable_functions as df

from batch.errors import RunError
from batch.log import log_event
from batch.names import BATCH_RUN
from batch.run.state import Run
from ledger.run_row import RunRow
from ledger.runs import add_run, find_row, leave_start, new_row, run_to_start, take_start
from ledger.table import Table
from task_hub.earlier_version import adopt
from task_hub.instances import STARTS_FOR, STARTS_WITHIN, start_instance
from task_hub.known_runs import KnownRun, known
from task_hub.ledger import ledger_of
from task_hub.runs import find_in_hub

logger = logging.getLogger(__name__)


async def start_run(client: df.DurableOrchestrationClient, run_id: str, run: Run) -> KnownRun | None:
    """None if this call started the run, else the run that exists, from this request or another.

    Raises NotARun if the id is taken by something else, RunError if the task hub or the ledger fails.
    """
    table = ledger_of(client)
    if in_hub := await find_in_hub(client, run_id):
        # Before anything is added: a row beside a run of a version without a ledger, left by a caller that is killed
        # here, would hide that a job may have been submitted. Such a run has no row yet.
        present = await find_row(table, run_id) or await adopt(client, table, in_hub)
        return await known(table, present, in_hub)
    added = new_row(run_id, run, datetime.now(UTC))
    if row := await add_run(table, added, run):
        return await _existing(client, table, row)
    if _is_late(added):
        return await _existing(client, table, await find_row(table, run_id) or added)
    try:
        await start_instance(client, BATCH_RUN, run_id, run.to_json())
    except RunError:
        await _leave_to_others(table, added)
        raise
    return None


async def start_lost_run(client: df.DurableOrchestrationClient, table: Table, row: RunRow) -> bool:
    """Starts the orchestration of a row whose caller failed or was stopped before that.

    False if that caller or another one may still do it, or if there was an orchestration.
    """
    if not row.is_to_be_started or (row.start and datetime.now(UTC) < row.starting_at + STARTS_WITHIN):
        return False
    run = await run_to_start(table, row)
    taken = await take_start(table, row, datetime.now(UTC)) if run else None
    if run is None or taken is None or _is_late(taken):
        return False
    try:
        await start_instance(client, BATCH_RUN, row.run_id, run.to_json())
    except RunError:
        await _leave_to_others(table, taken)
        raise
    log_event(logger, logging.WARNING, "run_started_late", run=row.run_id, added_at=row.started_at)
    return True


def _is_late(row: RunRow) -> bool:
    """The ledger answered so late that another caller may take the start before this one has made it."""
    return datetime.now(UTC) > row.starting_at + STARTS_FOR


async def _existing(client: df.DurableOrchestrationClient, table: Table, row: RunRow) -> KnownRun:
    in_hub = await find_in_hub(client, row.run_id)
    if in_hub is None:
        await start_lost_run(client, table, row)
    return await known(table, row, in_hub)


async def _leave_to_others(table: Table, row: RunRow) -> None:
    """Lets the same request again, or housekeeping, start the run at once."""
    try:
        await leave_start(table, row)
    except RunError as error:
        # They start it when this call's time to do so is over.
        log_event(logger, logging.WARNING, "start_not_left", run=row.run_id, reason=error)
