"""Which run a job belongs to: the first that said so. The row is kept as long as those of the run."""

from batch.run.phases import Phase
from ledger.retry import settled
from ledger.run_row import JOB, RunRow, job_key
from ledger.table import Insert, Merge, RowChanged, RowExists, Table


async def own_job(table: Table, row: RunRow, job_name: str) -> str:
    """The id of the run that owns the job: this one, if no other does. Then the lists show the run as Queued."""
    insert = Insert(job_key(job_name), {"RunId": row.run_id})
    named = {JOB: job_name}
    queued = {"Phase": Phase.QUEUED.value}
    run, *lists = row.keys
    noted = (Merge(run, {**queued, **named}), *(Merge(key, queued) for key in lists))

    async def step() -> str:
        try:
            await table.write(insert, *noted)
            return row.run_id
        except RowExists:
            pass
        except RowChanged:
            # Somebody ended or deleted the run meanwhile: its job must be known all the same.
            await _insert_for_gone(table, insert, Merge(row.key, named))
        return await owner_of(table, job_name) or row.run_id

    return await settled(step)


async def owner_of(table: Table, job_name: str) -> str | None:
    """The id of the run, or None if no run of this ledger has the job."""
    row = await table.read(job_key(job_name))
    return row.values["RunId"] if row else None


async def _insert_for_gone(table: Table, insert: Insert, named: Merge) -> None:
    for changes in ((insert, named), (insert,)):
        try:
            await table.write(*changes)
        except RowChanged:
            continue
        except RowExists:
            pass
        return
