"""What only the table in a file of SQLite can meet."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import LedgerUnavailable
from ledger.sqlite_table import SqliteTable
from ledger.table import Insert, Key, Merge, Query

ROUNDS = 60
AT_ONCE = 6
LARGE = Key("runs", "b")


async def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        tables = [SqliteTable(tmp_path / str(number)) for _ in range(AT_ONCE)]
        writes = (table.write(Insert(Key("runs", str(i)), {})) for i, table in enumerate(tables))
        failures = [result for result in await asyncio.gather(*writes, return_exceptions=True) if result]
        rows = await tables[0].rows(Query("runs", "", "~", 10))
        for table in tables:
            await table.close()
        assert failures == []
        assert len(rows) == AT_ONCE


async def test_a_file_that_cannot_be_opened_is_named_and_opened_later(tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    table = SqliteTable(folder / "ledger")
    async with asyncio.timeout(5):
        with pytest.raises(LedgerUnavailable, match="missing/ledger says: unable to open database file"):
            await table.write(Insert(Key("runs", "a"), {}))
    folder.mkdir()
    await table.write(Insert(Key("runs", "a"), {}))
    assert await table.read(Key("runs", "a")) is not None
    await table.close()


async def test_a_full_disk_is_named_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "connect", _connect_to_a_small_disk)
    table = SqliteTable(tmp_path / "ledger")
    await table.write(Insert(Key("runs", "a"), {"Phase": "Queued"}))
    with pytest.raises(LedgerUnavailable, match="ledger says: database or disk is full"):
        await table.write(Merge(Key("runs", "a"), {"Phase": "Running"}), Insert(LARGE, {"Run": "x" * 65_536}))
    row = await table.read(Key("runs", "a"))
    assert row
    assert row.values == {"Phase": "Queued"}
    await table.write(Merge(Key("runs", "a"), {"Phase": "Running"}))
    await table.close()


def _connect_to_a_small_disk(
    path: Path,
    timeout: float,
    isolation_level: None,
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
) -> sqlite3.Connection:
    store = connect(path, timeout=timeout, isolation_level=isolation_level)
    store.execute("PRAGMA max_page_count = 8")
    return store
