"""The places of housekeeping: each list has one, in one row, in each store."""

from ledger.places import Watched, keep_place, read_place
from ledger.table import Table


async def test_each_list_has_its_place(table: Table) -> None:
    assert [await read_place(table, which) for which in Watched] == ["", ""]
    await keep_place(table, Watched.PENDING, "a")
    await keep_place(table, Watched.UNDER_WAY, "b")
    assert [await read_place(table, which) for which in Watched] == ["a", "b"]
    await keep_place(table, Watched.PENDING, "")
    assert [await read_place(table, which) for which in Watched] == ["", "b"]
