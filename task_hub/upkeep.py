"""Mends what a killed process has left between the ledger and the task hub."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

from batch.log import log_event
from batch.timestamps import format_timestamp
from ledger.listing import runs_under_way
from ledger.run_row import ListedRun
from ledger.runs import RunEnd, delete_run, end_run, find_row
from ledger.table import Table
from task_hub.known_runs import bring_up_to_date, status_without_instance
from task_hub.ledger import ledger_of
from task_hub.runs import NotARun, find_in_hub
from task_hub.starts import start_lost_run

_PAGE = 100
"""Runs that are looked at together."""
_SETTLED_AFTER = timedelta(minutes=2)
"""A run that was added later than this is left to the call that added it."""

logger = logging.getLogger(__name__)


async def mend_runs_under_way(client: df.DurableOrchestrationClient, limit: int) -> None:
    """Starts runs that were added and not started, and writes ends that were not written.

    Looks at the ``limit`` runs under way that were added last.
    """
    table = ledger_of(client)
    place = ""
    for _ in range(0, limit, _PAGE):
        runs = await runs_under_way(table, datetime.now(UTC) - _SETTLED_AFTER, place, _PAGE)
        await asyncio.gather(*(_try_to_mend(client, table, run) for run in runs))
        if len(runs) < _PAGE:
            return
        place = runs[-1].place


async def _try_to_mend(client: df.DurableOrchestrationClient, table: Table, run: ListedRun) -> None:
    """A run that cannot be mended must not block the others: it comes again in the next hour."""
    try:
        await _mend(client, table, run)
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.WARNING, "run_not_mended", run=run.run_id, reason=error)


async def _mend(client: df.DurableOrchestrationClient, table: Table, listed: ListedRun) -> None:
    try:
        in_hub = await find_in_hub(client, listed.run_id, with_request=False)
    except NotARun:
        # Something else took the id between the caller's look at the task hub and its start of the run.
        row = await find_row(table, listed.run_id)
        if row and row.is_to_be_started:
            await delete_run(table, row, None)
        return
    if in_hub:
        await bring_up_to_date(client, table, listed, in_hub)
        return
    row = await find_row(table, listed.run_id)
    if row is None or await start_lost_run(client, table, row) or row.is_to_be_started:
        return
    if await find_in_hub(client, listed.run_id, with_request=False):
        # The same request again has started the run since the task hub was asked.
        return
    status = status_without_instance(to_be_started=False)
    ended_at = format_timestamp(datetime.now(UTC))
    await end_run(table, row, RunEnd(status.model_copy(update={"ended_at": ended_at}), "Terminated"))
    log_event(logger, logging.WARNING, "run_without_orchestration", run=row.run_id)
