"""The submission of a run, in its row: who may POST its job, and whether somebody asked to cancel the run."""

from collections.abc import Callable
from dataclasses import replace

from batch.errors import ErrorCode, RunError
from batch.run.submission import Submission
from ledger.retry import settled
from ledger.run_row import RunRow
from ledger.runs import find_row
from ledger.table import Replace, RowChanged, Table


async def change_submission(
    table: Table, row: RunRow, change: Callable[[Submission], Submission]
) -> Submission:
    """Applies ``change`` to what is kept now, and returns what is kept then: at once, or not at all.

    ``row`` is the row as it was just read: what changes nothing of it is not looked up again. Without ``etag`` the
    row is read. A record of an earlier job than that of ``row`` is over, and the change begins a new one. ``change``
    must change nothing when it is applied again. Raises RunError if the store does not answer: then the change may
    have happened or not.
    """
    known: RunRow | None = row if row.etag else None

    async def step() -> Submission:
        nonlocal known
        while True:
            # What was read is used once. After any failure the row may be another one.
            current, known = known or await _existing(table, row.run_id), None
            current = current.of_job(row.submission.job_attempt)
            changed = change(current.submission)
            if changed == current.submission:
                return changed
            try:
                await table.write(
                    Replace(current.key, replace(current, submission=changed).values(), current.etag)
                )
            except RowChanged:
                continue
            return changed

    return await settled(step)


async def _existing(table: Table, run_id: str) -> RunRow:
    row = await find_row(table, run_id)
    if row is None:
        raise RunError(ErrorCode.INTERNAL, f"The ledger has no row of run {run_id} any more.")
    return row
