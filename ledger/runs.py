"""Adds runs to the ledger, keeps their rows up to date, and deletes them."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from batch.run.phases import PENDING
from batch.run.state import Run
from batch.run.status import RunStatus
from batch.timestamps import format_timestamp
from ledger.notifications import notification_of
from ledger.retry import settled
from ledger.run_row import ListedRun, RunList, RunRow, job_key, run_key, source_of, to_milliseconds
from ledger.table import Change, Delete, Insert, Merge, Replace, Row, RowChanged, RowExists, Table


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended. ``runtime_status`` is that of its orchestration."""

    status: RunStatus
    runtime_status: str

    def of(self, listed: ListedRun) -> ListedRun:
        """The row of a list, as it is after this end."""
        return replace(
            listed,
            phase=self.status.phase,
            ended_at=self.status.ended_at or format_timestamp(listed.started_at),
            status=json.dumps(self.status.to_json()),
            runtime_status=self.runtime_status,
        )


async def find_row(table: Table, run_id: str) -> RunRow | None:
    row = await table.read(run_key(run_id))
    return RunRow.of(row) if row else None


def new_row(run_id: str, run: Run, now: datetime) -> RunRow:
    """The row of a run that its caller is about to start."""
    return RunRow(
        run_id=run_id,
        started_at=to_milliseconds(now),
        request=run.request.fingerprint(),
        start=uuid4().hex,
        starting_at=to_milliseconds(now),
        phase=PENDING,
        first_run=run.first_run or "",
    )


async def add_run(table: Table, row: RunRow, run: Run, also: Sequence[Change] = ()) -> RunRow | None:
    """None if this call added the run, else the row that is there.

    ``also``: changes of other rows of runs, without which the run is not added. Raises RowChanged if such a row is
    not as its change expects it.
    """
    listed = ListedRun(
        run_id=row.run_id,
        started_at=row.started_at,
        phase=PENDING,
        endpoint_uri=run.request.endpoint_uri,
        source=source_of(run.source.view() if run.source else None),
        rerun_of=run.rerun_of or "",
        tags=run.request.tags,
    )
    return await insert_rows(table, row, listed, {"Run": json.dumps(run.to_json())}, also)


async def insert_rows(
    table: Table, row: RunRow, listed: ListedRun, under_way: dict[str, str], also: Sequence[Change] = ()
) -> RunRow | None:
    """As ``add_run``, of a run that may have ended; ``under_way`` is what only the list of runs under way has."""
    rows = [Insert(row.key, row.values()), Insert(row.key_in(RunList.ALL), listed.values())]
    if not listed.has_ended:
        rows.append(Insert(row.key_in(RunList.UNDER_WAY), {**listed.values(), **under_way}))

    async def step() -> RunRow | None:
        try:
            await table.write(*rows, *also)
        except RowExists:
            present = await find_row(table, row.run_id)
            # Without a row the run was deleted meanwhile, and the next try adds it.
            return await step() if present is None else present
        return None

    present = await settled(step)
    # The answer to an earlier try may be lost.
    return None if present and present.start == row.start else present


async def take_start(table: Table, row: RunRow, now: datetime) -> RunRow | None:
    """The row, if this call may start the orchestration; None if another one took it. ``row`` is as it was read."""
    taken = replace(row, start=uuid4().hex, starting_at=to_milliseconds(now), etag="")
    try:
        await table.write(Replace(row.key, taken.values(), row.etag))
    except RowChanged:
        return None
    return taken


async def leave_start(table: Table, row: RunRow) -> None:
    """Nobody is about to start the orchestration any more. ``row`` is as this caller wrote it."""

    async def step() -> None:
        present = await find_row(table, row.run_id)
        if present is None or present.start != row.start:
            return
        try:
            await table.write(Replace(row.key, replace(present, start="").values(), present.etag))
        except RowChanged:
            # Somebody has asked to cancel the run, or has found its orchestration.
            await step()

    await settled(step)


async def run_to_start(table: Table, row: RunRow) -> Run | None:
    """The run as it was added, or None if it has ended or an earlier version started it."""
    under_way = await table.read(row.key_in(RunList.UNDER_WAY))
    text = under_way.values.get("Run") if under_way else None
    return Run.from_json(json.loads(text)) if text else None


async def note_phase(table: Table, row: RunRow, phase: str) -> None:
    """Tells the lists in which phase a run under way is. Does nothing for a run that has ended or was deleted."""
    await _unless_gone(table, *(Merge(key, {"Phase": phase}) for key in row.keys))


async def end_run(table: Table, row: RunRow, end: RunEnd, *, notify: bool = False) -> None:
    """Writes how a run ended. The first end stays: a run ends once.

    ``notify``: the same transaction notes that this is to be told.
    """
    ended = end.of(ListedRun(row.run_id, row.started_at, row.phase, end.status.endpoint_uri or ""))
    noted = [Insert(*notification_of(row))] if notify else []

    async def step() -> None:
        await _unless_gone(
            table,
            Merge(row.key_in(RunList.ALL), ended.values()),
            Merge(row.key, {"Phase": ended.phase}),
            Delete(row.key_in(RunList.UNDER_WAY)),
            *noted,
        )

    await settled(step)


async def delete_run(table: Table, row: RunRow, jobs: Iterable[str] = ()) -> None:
    """Deletes all rows of a run, and those of its jobs. A job may belong to another run."""
    names = {row.job, *row.earlier_jobs, *jobs} - {""}
    keys = [*row.keys, *map(job_key, sorted(names))]

    async def step() -> None:
        found = [await table.read(key) for key in keys]
        present = [each.key for each in found if each and _is_of(row, each)]
        if present:
            await table.write(*map(Delete, present))

    await _again_if_changed(lambda: settled(step))


def _is_of(run: RunRow, row: Row) -> bool:
    """Whether a row is the run's own. Its id may have another run, and its job may belong to one."""
    started_at = row.values.get("StartedAt", "")
    return row.values["RunId"] == run.run_id and started_at in ("", format_timestamp(run.started_at))


async def _unless_gone(table: Table, *changes: Change) -> None:
    try:
        await table.write(*changes)
    except (RowChanged, RowExists):
        # The row of the list of runs under way is there as long as the run goes on, that of a notification later.
        return


async def _again_if_changed(step: Callable[[], Awaitable[None]]) -> None:
    try:
        await step()
    except RowChanged:
        await step()
