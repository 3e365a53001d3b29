"""Runs again: a new run with the request of another one, once for callers that ask at the same time.

The rows of the new run and the change of the old run's row are one write, on condition that the old row is as it was
judged. The id of the new run decides between callers: each takes the next number, and one of them adds its rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import azure.durable_functions as df

from batch.api.responses import ApiError
from batch.errors import ErrorCode, RunError
from batch.run.phases import PENDING, TERMINATED
from batch.run.request import RunRequest
from batch.run.rerun import RunBefore, objection
from batch.run.rerun_request import NotRepeatable, repeated, rerun_id
from batch.run.state import Run
from batch.run.status import RunStatus
from ledger.reruns import changes_for_rerun, closed_submission, next_number, reruns_after
from ledger.run_row import ListedRun, RunList, RunRow
from ledger.runs import find_row, run_to_start
from ledger.table import RowChanged, Table
from task_hub.earlier_version import adopt
from task_hub.known_runs import KnownRun
from task_hub.ledger import ledger_of
from task_hub.runs import NotARun, RunInHub, find_in_hub
from task_hub.starts import existing_run, start_run

_TRIES = 5
"""The row of a run that has ended hardly changes; that of one under way does with some of its steps."""
_TAKEN_AT_MOST = 20
"""Ids in a row that belong to something else."""


class NotRunAgain(Exception):
    """The run is not run again; the text says why, and what to do. ``kind`` is how the API says it."""

    def __init__(self, kind: ApiError, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Rerun:
    """``request`` is that of a run which this call started, ``existing`` the run if it was there before."""

    run_id: str
    request: RunRequest | None = None
    existing: KnownRun | None = None


@dataclass(frozen=True, slots=True)
class RerunPlan:
    """What a call is about to start: ``run`` as ``new_id``, after ``before``, whose ``row`` is as it was judged.

    ``closed`` is the row of the latest rerun, if that one never submits.
    """

    row: RunRow
    before: RunBefore
    new_id: str
    run: Run
    closed: RunRow | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """A run that may be run again. ``run`` is None where its request is not kept any more."""

    row: RunRow
    before: RunBefore
    run: Run | None


async def run_again(client: df.DurableOrchestrationClient, run_id: str, *, confirmed: bool = False) -> Rerun:
    """Starts the next rerun, unless the latest one is under way: then that one is the answer.

    ``confirmed``: the caller knows that the run has no job and gets none. Raises NotRunAgain if the run is not run
    again, RunError if the task hub or the ledger fails.
    """
    table = ledger_of(client)
    for _ in range(_TRIES):
        found, later = await _look_up(client, table, run_id)
        if later:
            latest = await existing_run(client, table, later[-1])
            if not latest.ended:
                return Rerun(later[-1].run_id, existing=latest)
        try:
            return await start_rerun(client, await _plan(client, table, found, later, confirmed=confirmed))
        except RowChanged:
            # A step of the run or another caller came in between: what was judged is out of date.
            continue
    raise RunError(ErrorCode.SERVICE_UNAVAILABLE, f"The row of run {run_id} keeps changing.", retryable=True)


async def plan_rerun(client: df.DurableOrchestrationClient, run_id: str) -> RerunPlan:
    """What ``start_rerun`` would start, for a call that runs many again: of a run and its reruns only the latest.

    Raises as ``run_again``, and RowChanged if the ledger had lost a rerun, which it knows then.
    """
    table = ledger_of(client)
    found, later = await _look_up(client, table, run_id)
    if later:
        latest = (await existing_run(client, table, later[-1])).view
        raise NotRunAgain(
            ApiError.NOT_REPEATABLE,
            f"It was run again as {latest['run_id']}, which is {latest['phase']}."
            " Of a run and its reruns only the latest is run again.",
        )
    return await _plan(client, table, found, later, confirmed=False)


async def start_rerun(client: df.DurableOrchestrationClient, plan: RerunPlan) -> Rerun:
    """Raises RowChanged if the run that is to be repeated has changed since, RunError as ``run_again``."""
    table, new_id = ledger_of(client), plan.new_id
    changes = await changes_for_rerun(table, plan.row, new_id, close_submission=plan.before.never_submits)
    if plan.closed:
        changes.append(closed_submission(plan.closed))
    try:
        existing = await start_run(client, new_id, plan.run, changes)
    except NotARun:
        # Something took the id since the plan was made.
        raise RowChanged(plan.row.key) from None
    if existing is None:
        return Rerun(new_id, plan.run.request)
    present = await find_row(table, new_id)
    if present is None or present.first_run != plan.run.first_run:
        raise RowChanged(plan.row.key)
    return Rerun(new_id, existing=existing)


async def _look_up(
    client: df.DurableOrchestrationClient, table: Table, run_id: str
) -> tuple[_Found, list[RunRow]]:
    """The run, and the later reruns that it has, directly or not. Raises NotRunAgain if there is no such run."""
    try:
        in_hub = await find_in_hub(client, run_id)
    except NotARun:
        raise _unknown(run_id) from None
    row = await find_row(table, run_id)
    if row is None and in_hub:
        await adopt(client, table, in_hub)
        row = await find_row(table, run_id)
    if row is None:
        raise _unknown(run_id)
    if in_hub is None and not row.is_to_be_started:
        # It may have been started after the task hub was asked.
        in_hub = await find_in_hub(client, run_id)
    return await _found(table, row, in_hub), await reruns_after(table, row)


async def _found(table: Table, row: RunRow, in_hub: RunInHub | None) -> _Found:
    if in_hub and not in_hub.to_be_started_anew:
        before = _before(row, in_hub.status, in_hub.view["runtime_status"])
        return _Found(row, before, in_hub.run)
    if in_hub or row.is_to_be_started:
        before = _before(row, RunStatus(), PENDING)
        return _Found(row, before, await run_to_start(table, row) or (in_hub.run if in_hub else None))
    listed = await table.read(row.key_in(RunList.ALL))
    status = ListedRun.of(listed.values).status if listed else ""
    kept = RunStatus.read(json.loads(status)) if status else RunStatus(phase=TERMINATED)
    return _Found(row, _before(row, kept, TERMINATED), None)


def _before(row: RunRow, status: RunStatus, runtime_status: str) -> RunBefore:
    # What the row has of an earlier job is over.
    row = row.of_job(status.job_attempt)
    submission = None if row.earlier else row.submission
    return RunBefore(row.run_id, status, runtime_status, submission, row.job)


async def _plan(
    client: df.DurableOrchestrationClient,
    table: Table,
    found: _Found,
    later: Sequence[RunRow],
    *,
    confirmed: bool,
) -> RerunPlan:
    row, run = found.row, found.run
    if run is None:
        raise NotRunAgain(
            ApiError.REQUEST_GONE,
            f"The task hub holds no orchestration of run {row.run_id} any more, and with it its request."
            " Start a new run with a request of your own.",
        )
    judged, closed = [found.before], None
    if later:
        latest = await _found(table, later[-1], await find_in_hub(client, later[-1].run_id))
        judged.append(latest.before)
        closed = latest.row if latest.before.never_submits else None
    for each in judged:
        if not confirmed and (why := objection(each)):
            raise NotRunAgain(ApiError.MAY_HAVE_A_JOB, why)
    first_run = row.first_run or row.run_id
    try:
        new_id = await _free_id(client, table, first_run, next_number(row, later))
        request = repeated(run.request, row.run_id, new_id)
    except NotRepeatable as error:
        raise NotRunAgain(ApiError.NOT_REPEATABLE, str(error)) from None
    again = Run(request=request, source=run.source, rerun_of=row.run_id, first_run=first_run)
    return RerunPlan(row, found.before, new_id, again, closed)


async def _free_id(client: df.DurableOrchestrationClient, table: Table, first_run: str, number: int) -> str:
    """The next id that nothing else has.

    A rerun with that number was found already, unless the ledger has lost it: then it is adopted. Raises RowChanged.
    """
    for following in range(number, number + _TAKEN_AT_MOST):
        new_id = rerun_id(first_run, following)
        row = await find_row(table, new_id)
        if row and row.first_run == first_run:
            # Added since the reruns were looked up: whoever starts this id is given that run.
            return new_id
        if row is None and await _is_free(client, table, new_id, first_run):
            return new_id
    raise NotRepeatable(
        f"The ids from {rerun_id(first_run, number)} on belong to other runs. Start a new run with a request of"
        " your own."
    )


async def _is_free(client: df.DurableOrchestrationClient, table: Table, new_id: str, first_run: str) -> bool:
    try:
        in_hub = await find_in_hub(client, new_id)
    except NotARun:
        return False
    if in_hub and in_hub.run and in_hub.run.first_run == first_run:
        raise RowChanged((await adopt(client, table, in_hub)).key)
    return in_hub is None


def _unknown(run_id: str) -> NotRunAgain:
    return NotRunAgain(ApiError.NO_SUCH_RUN, f"There is no run {run_id}.")
