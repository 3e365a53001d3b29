"""Looks after runs under way: mends what a killed process left, and says which need a person.

Each call looks at a slice of them, and the next call goes on where it stopped. So one call stays short however many
runs there are, and each run gets its turn.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import azure.durable_functions as df

from batch.log import log_event
from batch.run.attention import STARTS_AFTER, Attention
from batch.run.phases import PENDING
from batch.timestamps import format_timestamp
from ledger.listing import runs_pending, runs_under_way
from ledger.places import Watched, keep_place, read_place
from ledger.run_row import ListedRun, RunRow
from ledger.runs import RunEnd, delete_run, find_row
from ledger.table import Table
from task_hub.known_runs import attention_without_instance, bring_up_to_date, status_without_instance
from task_hub.ledger import ledger_of
from task_hub.notifications import end_and_notify
from task_hub.runs import NotARun, RunInHub, find_in_hub
from task_hub.starts import start_anew, start_lost_run

_PAGE = 100
"""Runs that are looked at together."""
_SETTLED_AFTER = timedelta(minutes=2)
"""A run that was added later than this is left to the call that added it."""

NextRuns = Callable[[str, int], Awaitable[list[ListedRun]]]
"""Takes a place in a list and a number. Gives at most so many of the runs that follow."""

logger = logging.getLogger(__name__)


async def look_after_runs(
    client: df.DurableOrchestrationClient, max_pending: int, max_under_way: int
) -> None:
    """Runs that have not started for long come first, then the slice of all runs under way."""
    table, now = ledger_of(client), datetime.now(UTC)
    done: set[str] = set()
    pending = partial(runs_pending, table, now - STARTS_AFTER)
    await _look_at_slice(client, table, Watched.PENDING, pending, max_pending, done)
    under_way = partial(runs_under_way, table, now - _SETTLED_AFTER)
    await _look_at_slice(client, table, Watched.UNDER_WAY, under_way, max_under_way, done)


async def _look_at_slice(
    client: df.DurableOrchestrationClient,
    table: Table,
    which: Watched,
    next_runs: NextRuns,
    limit: int,
    done: set[str],
) -> None:
    """At the end of the list it goes on at its beginning. Runs in ``done`` were looked at, and are passed over."""
    place = kept = await read_place(table, which)
    rounds = 2 if place else 1
    while limit > 0 and rounds > 0:
        asked = min(_PAGE, limit)
        found = await next_runs(place, asked)
        runs = [run for run in found if run.run_id not in done]
        await asyncio.gather(*(_try_to_look_at(client, table, run) for run in runs))
        done.update(run.run_id for run in runs)
        limit -= len(runs)
        is_last = len(found) < asked
        rounds -= is_last
        place = "" if is_last else found[-1].place
        # After each page: a call that is stopped must not begin with the same runs for ever.
        if place != kept:
            await keep_place(table, which, place)
            kept = place


async def _try_to_look_at(client: df.DurableOrchestrationClient, table: Table, run: ListedRun) -> None:
    """A run that cannot be mended must not block the others: it gets its turn again."""
    try:
        await _look_at(client, table, run)
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.WARNING, "run_not_mended", run=run.run_id, reason=error)


async def _look_at(client: df.DurableOrchestrationClient, table: Table, listed: ListedRun) -> None:
    try:
        in_hub = await find_in_hub(client, listed.run_id, with_request=False)
    except NotARun:
        # Something else took the id between the caller's look at the task hub and its start of the run.
        row = await find_row(table, listed.run_id)
        if row and row.is_to_be_started:
            await delete_run(table, row)
        return
    if in_hub and not in_hub.to_be_started_anew:
        await _watch(client, table, listed, in_hub)
    elif row := await find_row(table, listed.run_id):
        await _start(client, table, row, in_hub)


async def _watch(
    client: df.DurableOrchestrationClient, table: Table, listed: ListedRun, in_hub: RunInHub
) -> None:
    await bring_up_to_date(client, table, listed, in_hub)
    is_pending = in_hub.view["runtime_status"] == "Pending"
    if in_hub.status.phase == PENDING and not is_pending:
        # How long such a run may report nothing depends on its request.
        in_hub = await find_in_hub(client, listed.run_id) or in_hub
    job = in_hub.status.job["name"] if in_hub.status.job else None
    _report(listed.run_id, job, in_hub.attention(listed.started_at, datetime.now(UTC)))
    if is_pending and (row := await find_row(table, listed.run_id)):
        await start_anew(client, table, row)


async def _start(
    client: df.DurableOrchestrationClient, table: Table, row: RunRow, in_hub: RunInHub | None
) -> None:
    """A run without an orchestration, or with one that was terminated for this."""
    anew = in_hub is not None
    if not (row.is_to_be_started or anew):
        await _end_without_orchestration(client, table, row)
        return
    started = False
    try:
        started = await start_lost_run(client, table, row, anew=anew)
    finally:
        if not started:
            status = status_without_instance(to_be_started=True)
            _report(row.run_id, None, attention_without_instance(status, row.started_at))


async def _end_without_orchestration(
    client: df.DurableOrchestrationClient, table: Table, row: RunRow
) -> None:
    if await find_in_hub(client, row.run_id, with_request=False):
        # The same request again has started the run since the task hub was asked.
        return
    status = status_without_instance(to_be_started=False)
    ended_at = format_timestamp(datetime.now(UTC))
    end = RunEnd(status.model_copy(update={"ended_at": ended_at}), "Terminated")
    await end_and_notify(client, table, row, end)
    log_event(logger, logging.WARNING, "run_without_orchestration", run=row.run_id)


def _report(run_id: str, job: str | None, attention: Attention | None) -> None:
    """The code is the event: the alerts look for it at the beginning of a line."""
    if attention:
        log_event(
            logger,
            logging.WARNING,
            attention.code,
            run=run_id,
            job=job,
            since=format_timestamp(attention.since),
            message=attention.message,
        )
