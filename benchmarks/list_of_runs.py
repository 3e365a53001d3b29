"""The newest 20 of many runs that are kept: on SQLite, and on Azurite in place of Azure Table Storage."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.azurite import ACCOUNT, AZURITE, azurite
from benchmarks.kept_runs import NEWEST_20, fill_emulator, fill_sqlite, run_id
from benchmarks.measuring import Spread, median_interval
from benchmarks.report import Bar, Figure
from ledger.sqlite_table import SqliteTable
from ledger.storage_table import StorageTable
from ledger.table import Change, Key, Query, Row, Table

_WARM_UP = 3
_TABLE = "KeptRunsLedger"


@dataclass(frozen=True, slots=True)
class Listed:
    """Milliseconds of each list, and the most reads that one made."""

    milliseconds: Sequence[float]
    reads: int


class CountedTable:
    """Implements ``Table`` by another one."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.reads = 0

    async def read(self, key: Key) -> Row | None:
        self.reads += 1
        return await self._table.read(key)

    async def rows(self, query: Query) -> list[Row]:
        self.reads += 1
        return await self._table.rows(query)

    async def write(self, *changes: Change) -> None:
        await self._table.write(*changes)


def figure(quick: bool) -> Figure:
    count, lists = (50, 6) if quick else (100_000, 101)
    listed: dict[str, Listed] = {}
    with tempfile.TemporaryDirectory() as folder:
        listed["SQLite"] = asyncio.run(_on_sqlite(Path(folder) / "ledger.db", count, lists))
    if AZURITE.exists():
        with tempfile.TemporaryDirectory() as folder:
            listed["Azurite"] = _on_azurite(Path(folder), count, lists)
    return Figure(
        title=f"List of the newest 20 of {count:,} runs that are kept",
        columns=("", "ms", "reads of the ledger"),
        rows=[
            *([name, Spread.of(each.milliseconds).text(1), str(each.reads)] for name, each in listed.items()),
            *([] if "Azurite" in listed else [["Azurite", "not installed: make azurite", ""]]),
        ],
        bars=[bar for name, each in listed.items() for bar in _bars(name, each)],
        notes=[
            f"{lists} lists, one after the other, after {_WARM_UP} to warm up. The emulator looks through all rows "
            "for a list; Azure Table Storage begins at the row key."
        ],
    )


def _bars(name: str, listed: Listed) -> list[Bar]:
    interval = median_interval(listed.milliseconds)
    return [
        Bar(f"a list on {name}, ms", interval.median, 100, interval=interval),
        Bar(f"reads of a list on {name}", listed.reads, 21),
    ]


async def _on_sqlite(path: Path, count: int, lists: int) -> Listed:
    await fill_sqlite(path, count)
    return await _listed(SqliteTable(path), count, lists)


def _on_azurite(folder: Path, count: int, lists: int) -> Listed:
    fill_emulator(folder, ACCOUNT, _TABLE, count)
    with azurite(folder) as account:
        return asyncio.run(_listed(StorageTable(account, _TABLE), count, lists))


async def _listed(table: SqliteTable | StorageTable, count: int, lists: int) -> Listed:
    newest = [run_id(count - number) for number in range(1, NEWEST_20.top + 1)]
    milliseconds, reads = [], []
    try:
        for _ in range(_WARM_UP + lists):
            counted = CountedTable(table)
            started = time.perf_counter()
            runs = await _newest(counted)
            milliseconds.append((time.perf_counter() - started) * 1000)
            reads.append(counted.reads)
            if runs != newest:
                raise RuntimeError(f"The list has {runs}.")
    finally:
        await table.close()
    return Listed(milliseconds[_WARM_UP:], max(reads))


async def _newest(table: Table) -> list[str]:
    return [row.values["RunId"] for row in await table.rows(NEWEST_20)]
