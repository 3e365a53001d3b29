"""What only the table in a file of SQLite can meet."""

import asyncio
from pathlib import Path

import pytest

from ledger.errors import LedgerUnavailable
from ledger.sqlite_table import SqliteTable
from ledger.table import Insert, Key, Query

ROUNDS = 60
AT_ONCE = 6


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
