"""Counts of rules: none is lost and none is doubled, whoever writes at once and whichever answer is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ledger.errors import LedgerUnavailable
from ledger.rule_counts import (
    IgnoredUpload,
    RuleCount,
    Taken,
    add_ignored,
    add_taken,
    delete_counts,
    ignored_count,
    rule_counts,
    rule_key,
    take_report,
)
from ledger.table import Change, Insert, Key, Query, Row, Table
from tests.batch.builders import START, after
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added

RULE = rule_key("0123456789ab")


def taken(seconds: int, name: str = "incoming/a.csv", run_id: str = "folder-1") -> Taken:
    return Taken(after(seconds), name, run_id)


def ignored(seconds: int, reason: str = "suffix", name: str = "incoming/a.txt") -> IgnoredUpload:
    return IgnoredUpload(after(seconds), name, reason)


@dataclass(slots=True)
class LossyTable:
    """The answers to the first ``lost`` writes are lost; if they ``happen``, only the answers are."""

    table: Table
    happens: bool
    lost: int = 1

    async def read(self, key: Key) -> Row | None:
        return await self.table.read(key)

    async def write(self, *changes: Change) -> None:
        if self.lost > 0:
            self.lost -= 1
            if self.happens:
                await self.table.write(*changes)
            raise LedgerUnavailable("it gave no answer")
        await self.table.write(*changes)

    async def rows(self, query: Query) -> list[Row]:
        return await self.table.rows(query)


@dataclass(slots=True)
class OvertakenTable(CountingTable):
    """Before its first write another process counts in the same rows."""

    async def write(self, *changes: Change) -> None:
        if self.writes == 0:
            await add_taken(self.table, RULE, [taken(0)])
            await add_ignored(self.table, [ignored(0)])
        # Without arguments ``super`` does not work in a class with slots.
        await CountingTable.write(self, *changes)


async def test_each_rule_has_its_count_and_the_last_that_it_took(table: Table) -> None:
    assert await rule_counts(table) == {}
    nightly = Taken(after(5), "2026-01-31T01:30:00.000Z", "schedule-nightly-20260131T0130Z")
    await add_taken(table, RULE, [taken(0), taken(2, "incoming/b.csv", "folder-2"), taken(1)])
    await add_taken(table, rule_key("schedule-nightly"), [nightly])
    await add_taken(table, RULE, [taken(3, "incoming/ü.csv", "folder-3")])
    await added(table)
    assert await rule_counts(table) == {
        "0123456789ab": RuleCount(4, taken(3, "incoming/ü.csv", "folder-3")),
        "schedule-nightly": RuleCount(1, nightly),
    }


async def test_what_another_process_counted_later_stays_the_last(table: Table) -> None:
    await add_taken(table, RULE, [taken(9, "incoming/late.csv")])
    await add_taken(table, RULE, [taken(1), taken(2)])
    assert (await rule_counts(table))["0123456789ab"] == RuleCount(3, taken(9, "incoming/late.csv"))


async def test_of_those_of_one_moment_the_last_call_counts(table: Table) -> None:
    await add_taken(table, RULE, [taken(0, "incoming/1"), taken(0, "incoming/2")])
    assert (await rule_counts(table))["0123456789ab"].last == taken(0, "incoming/2")


async def test_ignored_uploads_are_counted_by_reason(table: Table) -> None:
    assert (await ignored_count(table)).last is None
    await add_ignored(table, [ignored(0), ignored(1, "hidden", "incoming/_a"), ignored(2)])
    await add_ignored(table, [ignored(3, "empty", "incoming/b.csv")])
    count = await ignored_count(table)
    assert count.by_reason == {"suffix": 2, "hidden": 1, "empty": 1}
    assert count.last == ignored(3, "empty", "incoming/b.csv")


async def test_each_ignored_upload_is_reported_once(table: Table) -> None:
    assert await take_report(table) == {}
    await add_ignored(table, [ignored(0), ignored(1, "hidden"), ignored(2)])
    assert await take_report(table) == {"suffix": 2, "hidden": 1}
    assert await take_report(table) == {}
    await add_ignored(table, [ignored(3, "empty"), ignored(4)])
    assert await take_report(table) == {"empty": 1, "suffix": 1}
    assert (await ignored_count(table)).by_reason == {"suffix": 3, "hidden": 1, "empty": 1}


async def test_of_reporters_at_once_one_gets_the_counts(handles: Callable[[], Table]) -> None:
    tables = [handles() for _ in range(3)]
    await add_ignored(tables[0], [ignored(0)])
    reports = await asyncio.gather(*map(take_report, tables))
    assert sorted(map(bool, reports)) == [False, False, True]


async def test_processes_that_count_at_once_lose_nothing(handles: Callable[[], Table]) -> None:
    tables = [handles() for _ in range(4)]

    async def count(table: Table) -> None:
        for number in range(5):
            await add_taken(table, RULE, [taken(number)])
            await add_ignored(table, [ignored(number)])

    await asyncio.gather(*map(count, tables))
    assert (await rule_counts(tables[0]))["0123456789ab"].count == 20
    assert (await ignored_count(tables[0])).by_reason == {"suffix": 20}


@pytest.mark.parametrize("known", [False, True])
async def test_who_is_overtaken_counts_on_top(table: Table, known: bool) -> None:
    if known:
        await add_taken(table, RULE, [taken(0)])
        await add_ignored(table, [ignored(0)])
    await add_taken(OvertakenTable(table), RULE, [taken(1)])
    await add_ignored(OvertakenTable(table), [ignored(1)])
    assert (await rule_counts(table))["0123456789ab"].count == known + 3
    assert (await ignored_count(table)).by_reason == {"suffix": known + 3}


@pytest.mark.parametrize("happens", [False, True])
@pytest.mark.parametrize("known", [False, True])
async def test_a_write_whose_answer_was_lost_counts_once(table: Table, happens: bool, known: bool) -> None:
    if known:
        await add_taken(table, RULE, [taken(0)])
        await add_ignored(table, [ignored(0)])
    await add_taken(LossyTable(table, happens), RULE, [taken(1), taken(2)])
    await add_ignored(LossyTable(table, happens), [ignored(1), ignored(2)])
    assert (await rule_counts(table))["0123456789ab"].count == known + 2
    assert (await ignored_count(table)).by_reason == {"suffix": known + 2}
    assert await take_report(LossyTable(table, happens)) == {"suffix": known + 2}


async def test_a_store_that_does_not_answer_is_an_error(table: Table) -> None:
    with pytest.raises(LedgerUnavailable):
        await add_taken(LossyTable(table, happens=False, lost=3), RULE, [taken(0)])
    assert await rule_counts(table) == {}


async def test_a_count_is_one_read_and_one_write(table: Table) -> None:
    counting = CountingTable(table)
    for number in range(2):
        await add_taken(counting, RULE, [taken(number)])
        await add_ignored(counting, [ignored(number)])
    assert (counting.reads, counting.writes, counting.queries) == (4, 4, 0)


async def test_a_report_of_nothing_is_one_read(table: Table) -> None:
    counting = CountingTable(table)
    await take_report(counting)
    assert (counting.reads, counting.writes) == (1, 0)


async def test_more_rules_than_a_page_holds_are_read(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.rule_counts._PAGE", 2)
    for number in range(4):
        await add_taken(table, rule_key(f"r{number}"), [taken(number)])
        assert len(await rule_counts(table)) == number + 1


async def test_counts_of_rules_that_are_gone_are_deleted(table: Table) -> None:
    for rule_id, seconds in (("old-gone", 0), ("old-configured", 0), ("recent-gone", 60)):
        await add_taken(table, rule_key(rule_id), [taken(seconds)])
    await table.write(Insert(rule_key("empty-gone"), {}))
    await add_ignored(table, [ignored(0)])
    assert await delete_counts(table, {"old-configured"}, after(60)) == 2
    assert set(await rule_counts(table)) == {"old-configured", "recent-gone"}
    assert (await ignored_count(table)).by_reason == {"suffix": 1}
    assert await delete_counts(table, {"old-configured"}, after(60)) == 0


async def test_times_are_kept_in_milliseconds(table: Table) -> None:
    await add_taken(table, RULE, [Taken(START.replace(microsecond=123_456), "a/b", "r")])
    assert (await rule_counts(table))["0123456789ab"].last == Taken(
        START.replace(microsecond=123_000), "a/b", "r"
    )
