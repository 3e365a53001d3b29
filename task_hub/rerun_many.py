"""Runs many ended runs again, those that a filter selects: a part of the list in each call, which stays short."""

import asyncio
import json
import logging
import time
from collections.abc import Callable

import azure.durable_functions as df

from batch.api.continuation import encode_continuation
from batch.api.rerun_query import RerunQuery
from batch.api.responses import RerunAnswer
from batch.errors import RunError
from batch.run.status import RunStatus
from ledger.listing import runs_page
from ledger.run_row import ListedRun
from ledger.table import RowChanged
from task_hub.ledger import ledger_of
from task_hub.reruns import NotRunAgain, Rerun, plan_rerun, start_rerun

_AT_ONCE = 20
"""Runs that are started at the same time: each takes some calls of the ledger and the task hub."""
_PAGE = 200
_MOST_READ = 5_000
"""Rows of the list that one call reads: few of them may have the error that is looked for."""
_STARTS_FOR = 120.0
"""Seconds. The platform ends a call after 230 seconds, and the last runs that are started may be slow."""

logger = logging.getLogger(__name__)


async def run_many_again(
    client: df.DurableOrchestrationClient,
    query: RerunQuery,
    started: Callable[[str, Rerun], None],
) -> tuple[list[RerunAnswer], str | None]:
    """What became of each run, and the continuation of the next call: None at the end of the list.

    ``started`` is told each new run, after the run that it repeats. A run that cannot be started does not stop the
    others. Raises RunError if the ledger does not list the runs.
    """
    table, ends_at = ledger_of(client), time.monotonic() + _STARTS_FOR
    answers: list[RerunAnswer] = []
    place, read = query.runs.place, 0
    while True:
        found = await runs_page(table, query.runs, place, _PAGE)
        left = [run for run in found if _is_selected(run, query)]
        while left:
            if len(answers) == query.top or (answers and time.monotonic() > ends_at):
                return answers, encode_continuation(place)
            now, left = _split(left, min(_AT_ONCE, query.top - len(answers)))
            answers += await asyncio.gather(*(_answer(client, query, run.run_id, started) for run in now))
            place = now[-1].place
        if len(found) < _PAGE:
            return answers, None
        place, read = found[-1].place, read + len(found)
        if read >= _MOST_READ:
            return answers, encode_continuation(place)


def _split(runs: list[ListedRun], count: int) -> tuple[list[ListedRun], list[ListedRun]]:
    return runs[:count], runs[count:]


def _is_selected(run: ListedRun, query: RerunQuery) -> bool:
    if not run.has_ended or run.phase not in query.runs.phases:
        return False
    error = RunStatus.read(json.loads(run.status)).error
    return not query.error or (error is not None and error["code"] == query.error)


async def _answer(
    client: df.DurableOrchestrationClient,
    query: RerunQuery,
    run_id: str,
    started: Callable[[str, Rerun], None],
) -> RerunAnswer:
    answer: RerunAnswer = {"run_id": run_id, "rerun_id": None, "reason": None}
    try:
        plan = await plan_rerun(client, run_id)
        if query.dry_run:
            return {**answer, "rerun_id": plan.new_id}
        rerun = await start_rerun(client, plan)
    except (NotRunAgain, RunError) as error:
        return {**answer, "reason": str(error)}
    except RowChanged:
        return {**answer, "reason": "Something has changed the run at this moment. Send the call again."}
    except Exception:  # a fault of this app, which must not stop the other runs
        logger.exception("rerun_broke run=%s", run_id)
        return {**answer, "reason": "An unexpected error; the log of the app says which."}
    if rerun.existing:
        return {**answer, "reason": f"Another call has just run it again, as {rerun.run_id}."}
    started(run_id, rerun)
    return {**answer, "rerun_id": rerun.run_id}
