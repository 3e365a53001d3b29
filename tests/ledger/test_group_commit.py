"""Calls that come while a write is on its way share the next one, whatever becomes of writes and callers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ledger.group_commit import GroupCommit
from ledger.table import Key, Table
from tests.waiting import LIMIT

ROW, OTHER = Key("p", "row"), Key("p", "other")


@dataclass
class Writes:
    """Writes that wait until they are let go. ``groups`` are those that began, in their order."""

    groups: list[list[int]] = field(default_factory=list)
    began: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    most_at_once: int = 0

    async def write(self, table: Table, key: Key, items: list[int]) -> None:
        self.groups.append(items)
        self.began.put_nowait(None)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.may_end.wait()
        finally:
            self.under_way -= 1


async def test_one_write_is_under_way_and_what_comes_meanwhile_is_the_next(table: Table) -> None:
    writes = Writes()
    groups = GroupCommit(writes.write)
    first = groups.add(table, ROW, 0)
    await writes.began.get()
    others = {groups.add(table, ROW, number) for number in range(1, 1_000)}
    assert len(others) == 1
    writes.may_end.set()
    await asyncio.wait({first, *others})
    assert writes.groups == [[0], list(range(1, 1_000))]
    assert writes.most_at_once == 1


async def test_a_task_has_ended_only_when_its_item_is_written(table: Table) -> None:
    writes = Writes()
    groups = GroupCommit(writes.write)
    groups.add(table, ROW, 1)
    await writes.began.get()
    second = groups.add(table, ROW, 2)
    await asyncio.sleep(0)
    assert (writes.groups, second.done()) == ([[1]], False)
    writes.may_end.set()
    await second
    assert writes.groups == [[1], [2]]


async def test_rows_do_not_wait_for_each_other(table: Table) -> None:
    writes = Writes()
    groups = GroupCommit(writes.write)
    tasks = {groups.add(table, key, number) for number, key in enumerate((ROW, OTHER))}
    await writes.began.get()
    await writes.began.get()
    writes.may_end.set()
    await asyncio.wait(tasks)
    assert writes.groups == [[0], [1]]


async def test_two_tables_with_the_same_key_have_groups_of_their_own(
    table: Table, new_table: Callable[[], Table]
) -> None:
    writes = Writes()
    groups = GroupCommit(writes.write)
    tasks = {groups.add(each, ROW, 1) for each in (table, new_table())}
    assert len(tasks) == 2
    writes.may_end.set()
    await asyncio.wait(tasks)


async def test_a_caller_that_is_canceled_takes_nothing_from_the_others(table: Table) -> None:
    writes = Writes()
    groups = GroupCommit(writes.write)

    async def call(number: int) -> None:
        await asyncio.wait({groups.add(table, ROW, number)})

    callers = [asyncio.create_task(call(number)) for number in range(3)]
    await writes.began.get()
    callers[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await callers[0]
    writes.may_end.set()
    await asyncio.gather(*callers[1:])
    assert writes.groups == [[0, 1, 2]]


@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_write_that_is_canceled_holds_nobody_up(table: Table, has_begun: bool) -> None:
    writes = Writes()
    groups = GroupCommit(writes.write)
    canceled = groups.add(table, ROW, 1)
    if has_begun:
        await writes.began.get()
    canceled.cancel()
    await asyncio.wait({canceled})
    writes.may_end.set()
    await groups.add(table, ROW, 2)
    assert writes.groups == ([[1], [2]] if has_begun else [[2]])


def test_each_event_loop_has_groups_of_its_own(new_table: Callable[[], Table]) -> None:
    """A write in an event loop that stands still is not waited for in another one."""
    table, writes = new_table(), {1: Writes(), 2: Writes()}
    groups = GroupCommit[int](lambda of, key, items: writes[items[0]].write(of, key, items))

    async def begin(number: int) -> asyncio.Task[None]:
        task = groups.add(table, ROW, number)
        await writes[number].began.get()
        return task

    async def end(number: int, task: asyncio.Task[None]) -> None:
        writes[number].may_end.set()
        async with asyncio.timeout(LIMIT):
            await task

    with asyncio.Runner() as standing, asyncio.Runner() as going:
        waiting = standing.run(begin(1))
        going.run(end(2, going.run(begin(2))))
        assert not waiting.done()
        standing.run(end(1, waiting))


async def test_nothing_is_kept_of_what_was_written(table: Table) -> None:
    writes = Writes()
    writes.may_end.set()
    groups = GroupCommit(writes.write)
    await asyncio.wait({groups.add(table, key, 1) for key in (ROW, OTHER)})
    assert [dict(each) for each in groups._latest.values()] == [{}]
