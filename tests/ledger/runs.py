"""Runs in a ledger, as the app adds and ends them."""

from datetime import datetime

from batch.run.source import DataSource
from batch.run.state import Run
from batch.run.status import RunStatus
from batch.timestamps import format_timestamp
from ledger.run_row import ListedRun, RunList, RunRow
from ledger.runs import RunEnd, add_run, end_run, find_row, new_row
from ledger.table import Table
from tests.batch.builders import ENDPOINT_URI, START, request

RUN = Run(request=request())


def end(phase: str, ended_at: datetime = START, endpoint_uri: str | None = ENDPOINT_URI) -> RunEnd:
    status = RunStatus(phase=phase, endpoint_uri=endpoint_uri, ended_at=format_timestamp(ended_at))
    return RunEnd(status, "Completed" if phase == "Completed" else "Failed")


def of_folder(container: str, folder: str, endpoint_uri: str = ENDPOINT_URI) -> Run:
    source = DataSource(
        container=container,
        folder=folder,
        count=1,
        first_event_at=START,
        last_event_at=START,
        names=("a.csv",),
    )
    return Run(request=request(endpoint_uri=endpoint_uri), source=source)


async def added(table: Table, run_id: str = "r-1", started_at: datetime = START, run: Run = RUN) -> RunRow:
    """The row of a run that this call has added, as it is read."""
    assert await add_run(table, new_row(run_id, run, started_at), run) is None
    return await found(table, run_id)


async def ended(
    table: Table, run_id: str, phase: str, started_at: datetime = START, run: Run = RUN
) -> RunRow:
    row = await added(table, run_id, started_at, run)
    await end_run(table, row, end(phase, started_at, run.request.endpoint_uri))
    return await found(table, run_id)


async def found(table: Table, run_id: str = "r-1") -> RunRow:
    row = await find_row(table, run_id)
    assert row is not None
    return row


async def listed(table: Table, row: RunRow, which: RunList = RunList.ALL) -> ListedRun | None:
    """The row of a run in a list."""
    in_list = await table.read(row.key_in(which))
    return ListedRun.of(in_list.values) if in_list else None
