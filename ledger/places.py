"""How far housekeeping has come in each list of runs. It begins again if the row is deleted."""

from enum import StrEnum

from ledger.run_row import PARTITION
from ledger.table import Insert, Key, Merge, RowExists, Table

_KEY = Key(PARTITION, "housekeeping")


class Watched(StrEnum):
    """The lists, by the column that keeps the place in each."""

    PENDING = "PlaceInPending"
    UNDER_WAY = "PlaceInUnderWay"


async def read_place(table: Table, which: Watched) -> str:
    """Empty at the beginning of the list."""
    row = await table.read(_KEY)
    return row.values.get(which, "") if row else ""


async def keep_place(table: Table, which: Watched, place: str) -> None:
    try:
        await table.write(Insert(_KEY, {which: place}))
    except RowExists:
        await table.write(Merge(_KEY, {which: place}))
