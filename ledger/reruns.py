"""Runs that repeat others, in the ledger: their ids have numbers, and a run has the list of those that repeat it."""

from collections.abc import Sequence
from dataclasses import replace

from batch.run.rerun_request import number_of, rerun_prefix
from ledger.retry import settled
from ledger.run_row import FIRST_RUN, PARTITION, RERUNS, ListedRun, RunList, RunRow, run_key
from ledger.runs import find_row
from ledger.table import Change, Comparison, Condition, Merge, Query, Replace, RowChanged, Table

MOST_SHOWN = 20
"""Reruns that a run shows: the latest."""
_MOST = 1_000
"""More than there are numbers."""


async def reruns_after(table: Table, row: RunRow) -> list[RunRow]:
    """The reruns, with the same first run, that have a higher number than this run; the last one last.

    Those that the run names are among them, whatever their rows say: a host of a version before 1.4 writes a row
    without the name of the first run.
    """
    first_run = row.first_run or row.run_id
    prefix = run_key(rerun_prefix(first_run)).row
    found = await table.rows(
        Query(
            partition=PARTITION,
            after=prefix,
            before=f"{prefix}~",
            top=_MOST,
            conditions=(Condition(FIRST_RUN, Comparison.EQUAL, (first_run,)),),
        )
    )
    rows = {each.run_id: each for each in map(RunRow.of, found)}
    for run_id in row.reruns:
        if run_id not in rows and (named := await find_row(table, run_id)):
            rows[run_id] = named
    own = number_of(row.run_id, first_run)
    ordered = sorted(rows.values(), key=lambda each: number_of(each.run_id, first_run))
    return [each for each in ordered if number_of(each.run_id, first_run) > own]


def next_number(row: RunRow, after: Sequence[RunRow]) -> int:
    """Behind all numbers that are known to have been used: the rows of a rerun may be purged before this run's."""
    first_run = row.first_run or row.run_id
    used = [row.run_id, *row.reruns, *(each.run_id for each in after)]
    return 1 + max(number_of(run_id, first_run) for run_id in used)


async def changes_for_rerun(
    table: Table, row: RunRow, rerun_id: str, *, close_submission: bool
) -> list[Change]:
    """What the rerun changes in the rows of the run that it repeats, if that one's row is still as it was read.

    ``close_submission``: no step of that run may submit a job any more.
    """
    reruns = _with(row.reruns, rerun_id)
    submission = row.submission.cancel() if close_submission else row.submission
    changed = replace(row, reruns=reruns, submission=submission)
    keys = [row.key_in(which) for which in RunList]
    listed = [key for key in keys if await table.read(key)]
    return [
        Replace(row.key, changed.values(), row.etag),
        *(Merge(key, {RERUNS: " ".join(reruns)}) for key in listed),
    ]


def closed_submission(row: RunRow) -> Change:
    """No step of the run may submit a job any more, if its row is still as it was read."""
    return Replace(row.key, replace(row, submission=row.submission.cancel()).values(), row.etag)


async def note_rerun(table: Table, run_id: str, rerun_id: str) -> None:
    """Tells the rows of a run that there is this rerun, after the ledger was lost. Nothing if it has no rows."""

    async def step() -> None:
        row = await find_row(table, run_id)
        if row is None or rerun_id in row.reruns:
            return
        try:
            await table.write(*await changes_for_rerun(table, row, rerun_id, close_submission=False))
        except RowChanged:
            await step()

    await settled(step)


async def note_known_rerun(table: Table, row: RunRow) -> None:
    """As ``note_rerun``, of a rerun that has its own rows."""
    listed = await table.read(row.key_in(RunList.ALL))
    if listed and (run_id := ListedRun.of(listed.values).rerun_of):
        await note_rerun(table, run_id, row.run_id)


def _with(reruns: tuple[str, ...], rerun_id: str) -> tuple[str, ...]:
    return (*reruns, rerun_id)[-MOST_SHOWN:]
