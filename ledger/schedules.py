"""Until when the due times of each schedule are handled: a row for each schedule."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from batch.timestamps import format_timestamp, parse_timestamp
from ledger.retry import settled
from ledger.run_row import PARTITION
from ledger.table import Delete, Insert, Key, Query, Replace, Row, RowChanged, RowExists, Table

_BEGIN = "schedule"
_UNTIL = "Until"
_MOST = 1_000
"""Rows that one call looks at. There are as many as the settings have schedules."""


@dataclass(frozen=True, slots=True)
class SchedulePlace:
    key: Key
    until: datetime
    etag: str


async def place_of(table: Table, name: str, first: datetime) -> SchedulePlace:
    """The place of a schedule. One that has none begins at ``first``."""
    key = Key(PARTITION, f"{_BEGIN} {name}")

    async def step() -> SchedulePlace:
        if row := await table.read(key):
            return _place(row)
        # If it is there now, another caller was first, or an earlier try whose answer was lost.
        with suppress(RowExists):
            await table.write(Insert(key, {_UNTIL: format_timestamp(first)}))
        return await step()

    return await settled(step)


async def move_place(table: Table, place: SchedulePlace, until: datetime) -> None:
    """Nothing if another caller has moved it since it was read: the runs of both are the same."""

    async def step() -> None:
        with suppress(RowChanged):
            await table.write(Replace(place.key, {_UNTIL: format_timestamp(until)}, place.etag))

    await settled(step)


async def forget_other_schedules(table: Table, names: Collection[str]) -> int:
    """Deletes the rows of schedules that are not named, and says how many: a name that comes back begins anew."""
    rows = await table.rows(Query(PARTITION, f"{_BEGIN} ", f"{_BEGIN} ~", _MOST))
    others = [row.key for row in rows if row.key.row.removeprefix(f"{_BEGIN} ") not in names]
    for key in others:
        await settled(partial(_delete, table, key))
    return len(others)


async def _delete(table: Table, key: Key) -> None:
    with suppress(RowChanged):
        await table.write(Delete(key))


def _place(row: Row) -> SchedulePlace:
    until = parse_timestamp(row.values[_UNTIL])
    assert until is not None, "this module writes ISO 8601"
    return SchedulePlace(row.key, until, row.etag)
