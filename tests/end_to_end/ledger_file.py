"""The ledger of a machine as its file holds it, for tests that look behind the API."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from batch.timestamps import parse_timestamp
from ledger.run_row import RunList, list_key, place_of, run_key
from ledger.sqlite_table import SqliteTable
from ledger.table import Delete, Insert, Merge, Row, Table

T = TypeVar("T")
Values = dict[str, str]


def rows(state: Path) -> dict[str, Values]:
    """The values of each row, by its key."""
    with closing(sqlite3.connect(state / "ledger.db", timeout=10)) as store:
        return {
            key: json.loads(content) for key, content in store.execute("SELECT row_key, content FROM ledger")
        }


def rows_of(state: Path, run_id: str) -> dict[str, Values]:
    """By the first word of the key: ``id``, ``at``, ``open``, and ``job`` of its job."""
    found = rows(state).items()
    return {key.partition(" ")[0]: values for key, values in found if values.get("RunId") == run_id}


def delete(state: Path) -> None:
    """The caller has stopped the host."""
    for file in state.glob("ledger.db*"):
        file.unlink()


def change(state: Path, work: Callable[[Table], Awaitable[T]]) -> T:
    """What ``work`` does with the ledger, in this process."""

    async def changed() -> T:
        table = SqliteTable(state / "ledger.db")
        try:
            return await work(table)
        finally:
            await table.close()

    return asyncio.run(changed())


def make_older(state: Path, run_ids: list[str], year: str) -> None:
    """Moves the start and the end of these runs back into ``year``."""

    async def moved(table: Table) -> None:
        for run_id in run_ids:
            await _make_older(table, run_id, year)

    change(state, moved)


async def _make_older(table: Table, run_id: str, year: str) -> None:
    row = await table.read(run_key(run_id))
    assert row, f"the ledger has no run {run_id}"
    before, after = row.values["StartedAt"], _older(row, year)["StartedAt"]
    changes: list[Delete | Insert | Merge] = [Merge(row.key, _older(row, year))]
    for which in RunList:
        if listed := await table.read(list_key(which, _place(run_id, before))):
            changes.append(Delete(listed.key))
            changes.append(
                Insert(list_key(which, _place(run_id, after)), {**listed.values, **_older(listed, year)})
            )
    await table.write(*changes)


def _older(row: Row, year: str) -> Values:
    times = ("StartedAt", "StartingAt", "EndedAt")
    return {name: year + row.values[name][4:] for name in times if name in row.values}


def _place(run_id: str, started_at: str) -> str:
    moment = parse_timestamp(started_at)
    assert moment
    return place_of(run_id, moment)
