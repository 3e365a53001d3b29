"""Ends that are to be told: noted with the end or not at all, in the order of the list, and forgotten once."""

import pytest

from ledger.errors import LedgerUnavailable
from ledger.notifications import NotedEnd, find_noted, forget_noted, noted_ends, notification_of
from ledger.runs import end_run
from ledger.table import Change, Table
from tests.batch.builders import after
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, end, found


async def ids(table: Table) -> list[str]:
    return [noted.run_id for noted in await noted_ends(table, "", 100)]


async def test_without_notifications_nothing_is_noted_and_the_end_is_one_write(table: Table) -> None:
    counting = CountingTable(table)
    row = await added(table)
    await end_run(counting, row, end("Completed"))
    assert (counting.reads, counting.queries, counting.writes) == (0, 0, 1)
    assert await find_noted(table, row) is None
    assert await ids(table) == []


async def test_the_end_of_a_run_is_noted_with_it_in_one_write(table: Table) -> None:
    counting = CountingTable(table)
    row = await added(table)
    await end_run(counting, row, end("Completed"), notify=True)
    assert (counting.reads, counting.queries, counting.writes) == (0, 0, 1)
    noted = await find_noted(table, row)
    assert noted == NotedEnd(notification_of(row)[0], "r-1", "2026-01-31T12:00:00.000Z")
    assert await noted_ends(table, "", 100) == [noted]
    assert (await found(table)).phase == "Completed"


async def test_a_run_that_has_ended_is_not_noted_again(table: Table) -> None:
    row = await added(table)
    await end_run(table, row, end("Completed"), notify=True)
    noted = await find_noted(table, row)
    assert noted
    await end_run(table, row, end("Failed"), notify=True)
    assert await ids(table) == ["r-1"]
    await forget_noted(table, noted)
    await end_run(table, row, end("Failed"), notify=True)
    assert await ids(table) == []
    assert (await found(table)).phase == "Completed"


async def test_an_end_whose_answer_was_lost_is_noted_once(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.retry._PAUSES", (0, 0))
    row = await added(table)
    await end_run(_Losing(table), row, end("Completed"), notify=True)
    assert await ids(table) == ["r-1"]


async def test_ends_are_read_in_pages_and_forgotten_by_several_at_once(table: Table) -> None:
    for number in range(5):
        row = await added(table, f"r-{number}", after(number))
        await end_run(table, row, end("Completed"), notify=True)
    first = await noted_ends(table, "", 2)
    second = await noted_ends(table, first[-1].key.row, 10)
    assert [noted.run_id for noted in (*first, *second)] == ["r-4", "r-3", "r-2", "r-1", "r-0"]
    for noted in (*first, *first):
        await forget_noted(table, noted)
    assert await ids(table) == ["r-2", "r-1", "r-0"]


class _Losing(CountingTable):
    """Loses the answer to the first write, after it happened."""

    async def write(self, *changes: Change) -> None:
        await super().write(*changes)
        if self.writes == 1:
            raise LedgerUnavailable("it gave no answer")
