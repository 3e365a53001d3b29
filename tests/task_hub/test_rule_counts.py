"""Counts for people: a burst costs few writes, and no upload fails or waits for long because of its count."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import pytest

from ledger.errors import LedgerUnavailable
from ledger.rule_counts import IGNORED_KEY, ignored_count, rule_counts, rule_key
from ledger.table import Change, Insert, Key, Row
from task_hub import rule_counts as counts
from task_hub.rule_counts import count_ignored, count_taken, ignored_since_report, purge_counts
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.waiting import LIMIT

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

BURST = 1_000


def client() -> df.DurableOrchestrationClient:
    with TaskHub([]).served() as served:
        return served


async def at_once(calls: int, call: Callable[[int], Awaitable[None]]) -> None:
    await asyncio.gather(*(call(number) for number in range(calls)))


async def test_a_burst_of_ignored_uploads_costs_one_write(table: CountingTable) -> None:
    hub = client()
    await count_ignored(hub, "suffix", "incoming/a.txt")
    table.reads = table.writes = 0
    await at_once(BURST, lambda number: count_ignored(hub, f"r{number % 2}", f"incoming/{number}.txt"))
    assert (table.reads, table.writes) == (1, 1)
    assert (await ignored_count(table)).by_reason == {"suffix": 1, "r0": BURST // 2, "r1": BURST // 2}


async def test_a_burst_that_comes_while_a_write_is_on_its_way_shares_the_next(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, read = asyncio.Event(), table.table.read

    async def tell_and_read(key: Key) -> Row | None:
        began.set()
        return await read(key)

    monkeypatch.setattr(table.table, "read", tell_and_read)
    hub = client()
    first = asyncio.create_task(count_taken(hub, "r", "incoming/first.csv", "file-0"))
    await began.wait()
    await at_once(BURST, lambda number: count_taken(hub, "r", f"incoming/{number}.csv", f"file-{number}"))
    await first
    assert (table.reads, table.writes, table.queries) == (2, 2, 0)
    count = (await rule_counts(table))["r"]
    assert (count.count, count.last and count.last.run_id) == (BURST + 1, f"file-{BURST - 1}")


async def test_who_counts_waits_until_the_count_is_written(table: CountingTable) -> None:
    hub = client()
    for number in range(1, 4):
        await count_taken(hub, "r", "incoming/a.csv", "file-1")
        await count_ignored(hub, "suffix", "incoming/a.txt")
        assert (await rule_counts(table))["r"].count == number
        assert (await ignored_count(table)).by_reason == {"suffix": number}


async def test_a_count_that_cannot_be_written_is_one_line_and_no_error(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*changes: Change) -> None:
        raise LedgerUnavailable("it is busy", retry_after=3_600)

    hub = client()
    with monkeypatch.context() as busy:
        busy.setattr(table.table, "write", fail)
        await at_once(20, lambda number: count_ignored(hub, "suffix", f"incoming/{number}.txt"))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        'count_not_written row=ignored count=20 reason="The ledger of runs is not available: it is busy."'
    ]
    await count_ignored(hub, "suffix", "incoming/a.txt")
    assert (await ignored_count(table)).by_reason == {"suffix": 1}


async def test_a_row_that_somebody_changed_by_hand_is_one_line_and_no_error(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await table.write(Insert(rule_key("r"), {"Count": "many"}))
    await count_taken(client(), "r", "incoming/a.csv", "file-1")
    [line] = caplog.messages
    assert line.startswith('count_not_written row="rule r" count=1 reason=')


async def test_an_upload_does_not_wait_for_a_store_that_hangs(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = asyncio.Event()
    write = table.table.write

    async def hang(*changes: Change) -> None:
        await answers.wait()
        await write(*changes)

    monkeypatch.setattr(table.table, "write", hang)
    monkeypatch.setattr(counts, "_LONGEST_WAIT", 0.01)
    hub = client()
    async with asyncio.timeout(LIMIT):
        await count_ignored(hub, "suffix", "incoming/a.txt")
    answers.set()
    monkeypatch.setattr(counts, "_LONGEST_WAIT", 60.0)
    await count_ignored(hub, "suffix", "incoming/b.txt")
    assert (await ignored_count(table)).by_reason == {"suffix": 2}


async def test_a_write_that_does_not_end_is_given_up(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(*changes: Change) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(counts, "_LONGEST_WRITE", 0.01)
    hub = client()
    with monkeypatch.context() as stuck:
        stuck.setattr(table.table, "write", hang)
        await count_ignored(hub, "suffix", "incoming/a.txt")
    assert caplog.messages == ["count_not_written row=ignored count=1 reason=TimeoutError"]
    monkeypatch.setattr(counts, "_LONGEST_WRITE", 30.0)
    await count_ignored(hub, "suffix", "incoming/b.txt")
    assert (await ignored_count(table)).by_reason == {"suffix": 1}


async def test_a_caller_that_is_canceled_leaves_the_counts_of_all(table: CountingTable) -> None:
    hub = client()
    callers = [asyncio.create_task(count_ignored(hub, "suffix", f"incoming/{n}")) for n in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.wait(callers)
    assert callers[0].cancelled()
    assert (await ignored_count(table)).by_reason == {"suffix": 3}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("incoming/a\x00b\ud800.csv", "incoming/a\ufffdb\ufffd.csv"),
        ("incoming/" + "ä" * 70_000, "incoming/" + "ä" * 1_079),
        ("incoming/a?sig=abc123", "incoming/a?sig=[redacted]"),
        (
            "x" * 1_060 + " https://user:pa55word@evil.example/a",
            "x" * 1_060 + " https://[redacted]@evil.exa",
        ),
        ("incoming/größe 1/😀.csv", "incoming/größe 1/😀.csv"),
    ],
)
async def test_any_name_can_be_kept(table: CountingTable, name: str, kept: str) -> None:
    hub = client()
    await count_ignored(hub, "malformed", name)
    await count_taken(hub, "r", name, "file-1")
    ignored, taken = (await ignored_count(table)).last, (await rule_counts(table))["r"].last
    assert ignored and taken
    assert (ignored.what, taken.what) == (kept, kept)


async def test_the_report_is_what_came_since_the_last_one(table: CountingTable) -> None:
    hub = client()
    assert await ignored_since_report(hub) == {}
    await count_ignored(hub, "suffix", "incoming/a.txt")
    assert await ignored_since_report(hub) == {"suffix": 1}
    assert await ignored_since_report(hub) == {}


async def test_counts_of_rules_that_are_gone_are_purged_after_the_retention(table: CountingTable) -> None:
    hub = client()
    for rule_id in ("configured", "gone"):
        await count_taken(hub, rule_id, "incoming/a.csv", "file-1")
    now = datetime.now(UTC)
    assert await purge_counts(hub, {"configured"}, now - timedelta(days=30)) == 0
    assert await purge_counts(hub, {"configured"}, now + timedelta(seconds=1)) == 1
    assert set(await rule_counts(table)) == {"configured"}
    assert await table.read(IGNORED_KEY) is None
