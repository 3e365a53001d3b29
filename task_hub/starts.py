"""Starts runs: the row in the ledger first, the orchestration next.

durable-functions behaviour: the extension looks for the instance, and writes it some milliseconds later. Who comes in
between starts it again. Exactly one caller adds the row, so only that one starts the orchestration.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

from batch.errors import RunError
from batch.log import log_event
from batch.names import BATCH_RUN
from batch.run.state import Run
from ledger.run_row import RunRow
from ledger.runs import add_run, find_row, leave_start, new_row, run_to_start, take_start
from ledger.table import Change, Table
from task_hub.earlier_version import adopt
from task_hub.instances import STARTS_FOR, STARTS_WITHIN, start_instance
from task_hub.known_runs import KnownRun, known
from task_hub.ledger import ledger_of
from task_hub.runs import START_ANEW, find_in_hub

_ANEW_AFTER = timedelta(hours=1)
"""An orchestration that is pending for so long is not expected to begin any more."""
_LOOKS = 10
_PAUSE = 0.5
"""Seconds. All looks together take less than STARTS_FOR."""

logger = logging.getLogger(__name__)


async def start_run(
    client: df.DurableOrchestrationClient, run_id: str, run: Run, also: Sequence[Change] = ()
) -> KnownRun | None:
    """None if this call started the run, else the run that exists, from this request or another.

    ``also``: what the ledger changes in the same write in which it adds the run. Raises NotARun if the id is taken by
    something else, RunError if the task hub or the ledger fails, RowChanged if such a change is out of date.
    """
    table = ledger_of(client)
    if in_hub := await find_in_hub(client, run_id):
        # Before anything is added: a row beside a run of a version without a ledger, left by a caller that is killed
        # here, would hide that a job may have been submitted. Such a run has no row yet.
        present = await find_row(table, run_id) or await adopt(client, table, in_hub)
        if in_hub.to_be_started_anew:
            await start_lost_run(client, table, present, anew=True)
        return await known(table, present, in_hub)
    added = new_row(run_id, run, datetime.now(UTC))
    if row := await add_run(table, added, run, also):
        return await existing_run(client, table, row)
    if _is_late(added):
        return await existing_run(client, table, await find_row(table, run_id) or added)
    try:
        await start_instance(client, BATCH_RUN, run_id, run.to_json())
    except RunError:
        await _leave_to_others(table, added)
        raise
    return None


async def start_lost_run(
    client: df.DurableOrchestrationClient, table: Table, row: RunRow, *, anew: bool = False
) -> bool:
    """Starts the orchestration of a row whose caller failed or was stopped before that.

    ``anew``: there was one, and it was terminated with START_ANEW. False if that caller or another one may still
    start it, or if there was an orchestration for another reason.
    """
    if not (row.is_to_be_started or anew):
        return False
    if row.start and datetime.now(UTC) < row.starting_at + STARTS_WITHIN:
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
    event = "run_started_anew" if anew else "run_started_late"
    log_event(logger, logging.WARNING, event, run=row.run_id, added_at=row.started_at)
    return True


async def start_anew(client: df.DurableOrchestrationClient, table: Table, row: RunRow) -> bool:
    """Terminates an orchestration that has been pending for an hour, and starts the run again under the same id.

    False if it is too early, or if a job may have been submitted. Also if the orchestration is still pending: then
    whoever finds it terminated starts the run, and after an hour it is terminated again.

    durable-functions behaviour: no other way leads from Pending to a new start, which replaces only what has ended.
    An orchestration that begins before the terminate comes is terminated, too; the next one finds what it submitted.
    """
    if not row.is_to_be_started or datetime.now(UTC) < row.starting_at + _ANEW_AFTER:
        return False
    run = await run_to_start(table, row)
    # The row is as it was read: nobody has claimed the submission since.
    taken = await take_start(table, row, datetime.now(UTC)) if run else None
    if run is None or taken is None:
        return False
    try:
        await client.terminate(row.run_id, START_ANEW)
        if await _is_terminated(client, row.run_id) and not _is_late(taken):
            await start_instance(client, BATCH_RUN, row.run_id, run.to_json())
            log_event(logger, logging.WARNING, "run_started_anew", run=row.run_id, added_at=row.started_at)
            return True
    except Exception:  # the SDK raises nothing narrower
        await _leave_to_others(table, taken)
        raise
    await _leave_to_others(table, taken)
    return False


async def _is_terminated(client: df.DurableOrchestrationClient, run_id: str) -> bool:
    for _ in range(_LOOKS):
        in_hub = await find_in_hub(client, run_id, with_request=False)
        if in_hub is None or in_hub.to_be_started_anew:
            return in_hub is not None
        await asyncio.sleep(_PAUSE)
    return False


def _is_late(row: RunRow) -> bool:
    """The ledger answered so late that another caller may take the start before this one has made it."""
    return datetime.now(UTC) > row.starting_at + STARTS_FOR


async def existing_run(client: df.DurableOrchestrationClient, table: Table, row: RunRow) -> KnownRun:
    """The run of a row. Its orchestration is started if its caller failed or was stopped before that."""
    in_hub = await find_in_hub(client, row.run_id)
    if in_hub is None or in_hub.to_be_started_anew:
        await start_lost_run(client, table, row, anew=in_hub is not None)
    return await known(table, row, in_hub)


async def _leave_to_others(table: Table, row: RunRow) -> None:
    """Lets the same request again, or housekeeping, start the run at once."""
    try:
        await leave_start(table, row)
    except RunError as error:
        # They start it when this call's time to do so is over.
        log_event(logger, logging.WARNING, "start_not_left", run=row.run_id, reason=error)
