"""Until when the due times of each schedule are decided: a row for each schedule."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from batch.timestamps import format_timestamp, parse_timestamp
from ledger.retry import settled
from ledger.run_row import PARTITION
from ledger.table import Insert, Key, Query, Replace, Row, RowChanged, RowExists, Table, delete_if_there

_BEGIN = "schedule"
_UNTIL = "Until"
_MOST = 1_000
"""Rows that one call looks at. There are as many as the settings have had schedules."""


@dataclass(frozen=True, slots=True)
class Decided:
    """All due times until ``until`` are decided. ``etag`` is that of the row as it was read."""

    key: Key
    until: datetime
    etag: str


async def find_decided(table: Table, name: str, first: datetime) -> Decided:
    """Of the schedule with this name. One that has no row gets one, which begins at ``first``."""
    key = Key(PARTITION, f"{_BEGIN} {name}")

    async def step() -> Decided:
        if row := await table.read(key):
            return _decided(row)
        # If it is there now, another caller was first, or an earlier try whose answer was lost.
        with suppress(RowExists):
            await table.write(Insert(key, {_UNTIL: format_timestamp(first)}))
        return await step()

    return await settled(step)


async def note_decided(table: Table, before: Decided, until: datetime) -> None:
    """Nothing if another caller has written since ``before`` was read: the runs of both are the same."""

    async def step() -> None:
        with suppress(RowChanged):
            await table.write(Replace(before.key, {_UNTIL: format_timestamp(until)}, before.etag))

    await settled(step)


async def forget_other_schedules(table: Table, names: Collection[str]) -> int:
    """Deletes the rows of schedules that are not named; says how many. A name that comes back begins anew."""
    rows = await table.rows(Query(PARTITION, f"{_BEGIN} ", f"{_BEGIN} ~", _MOST))
    others = [row.key for row in rows if row.key.row.removeprefix(f"{_BEGIN} ") not in names]
    for key in others:
        await settled(partial(delete_if_there, table, key))
    return len(others)


def _decided(row: Row) -> Decided:
    until = parse_timestamp(row.values[_UNTIL])
    assert until is not None, "this module writes ISO 8601"
    return Decided(row.key, until, row.etag)
