"""The small parts by themselves: store, clocks, queue, cache, texts."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions_host.durable.clock import RealClock, VirtualClock
from functions_host.durable.decisions import EntityId
from functions_host.durable.episode import Answer
from functions_host.durable.events import format_time, parse_time
from functions_host.durable.execution_cache import Execution, ExecutionCache
from functions_host.durable.failures import state_in_failure, with_shortened_times
from functions_host.durable.keyed_queue import KeyedQueue
from functions_host.durable.language_worker import InvocationError
from functions_host.durable.paging import decode_continuation, encode_continuation
from functions_host.durable.store.store import Store, StoreInUseError, StoreVersionError


def test_a_store_lets_one_host_in(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "hub.db"
    first = Store(path)
    with pytest.raises(StoreInUseError, match="belongs to one host at a time"):
        Store(path)
    first.close()
    Store(path).close()


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(StoreVersionError, match="has format 99"):
        Store(path)


def test_a_transaction_that_fails_leaves_nothing() -> None:
    store = Store(":memory:")
    with pytest.raises(RuntimeError), store.transaction():
        store.work.add_timer("i", "e", 1, fire_at="2026", created_at="2025", visible_at="2026")
        raise RuntimeError
    assert store.work.next_due() is None
    store.close()


async def test_virtual_time_stands_still_while_anyone_works() -> None:
    clock = VirtualClock()
    start = clock.now()
    sleeper = asyncio.create_task(clock.sleep_until(start + timedelta(hours=1)))
    with clock.working():
        for _ in range(10):
            await asyncio.sleep(0)
        assert clock.now() == start
    await sleeper
    assert clock.now() == start + timedelta(hours=1)


async def test_virtual_sleepers_wake_in_order_and_cancelled_ones_do_not_count() -> None:
    clock = VirtualClock()
    start, woken = clock.now(), []

    async def sleep(minutes: int) -> None:
        await clock.sleep_until(start + timedelta(minutes=minutes))
        woken.append(minutes)

    with clock.working():
        tasks = [asyncio.create_task(sleep(minutes)) for minutes in (30, 10, 20, 10, 5)]
        await asyncio.sleep(0)
        tasks.pop().cancel()
    await asyncio.gather(*tasks)

    assert woken == [10, 10, 20, 30]


async def test_the_real_clock_does_not_wake_early() -> None:
    clock = RealClock()
    due = clock.now() + timedelta(milliseconds=20)
    with clock.working():
        await clock.sleep_until(due)
    assert clock.now() >= due
    await clock.sleep_until(due)


def test_a_key_is_worked_on_once_at_a_time_and_comes_again() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert queue.take() == "a"
    queue.add("a")
    queue.add("a")
    assert (queue.take(), queue.take(), queue.running) == ("b", None, 2)
    queue.release("a")
    assert (queue.take(), queue.take()) == ("a", None)


def test_the_cache_forgets_the_oldest_and_what_is_of_another_execution() -> None:
    cache = ExecutionCache(limit=10)
    cache.put("a", Execution("1", ["xxxx"]))
    cache.put("b", Execution("1", ["xxxx"]))
    cache.put("c", Execution("1", ["xxxx"]))
    assert cache.take("a", "1") is None
    assert cache.take("b", "2") is None
    taken = cache.take("c", "1")
    assert taken is not None
    cache.put("c", taken)
    cache.drop("c")
    assert cache.take("c", "1") is None


def test_times_have_seven_digits_and_come_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert format_time(moment) == "2026-01-02T03:04:05.6789010Z"
    assert parse_time(format_time(moment)) == moment
    assert parse_time("2026-01-01T01:00:00.000000Z") == datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "entity"), [("@Counter@Key", EntityId("counter", "Key")), ("@a@b@c", EntityId("a", "b@c"))]
)
def test_entity_ids(text: str, entity: EntityId) -> None:
    assert EntityId.parse(text) == entity
    assert EntityId.parse(str(entity)) == entity


def test_continuation_tokens() -> None:
    assert encode_continuation("test-72a333a4d9d9") == "dGVzdC03MmEzMzNhNGQ5ZDk= "
    assert decode_continuation("dGVzdC03MmEzMzNhNGQ5ZDk= ") == "test-72a333a4d9d9"
    assert decode_continuation(encode_continuation("ä").strip()) == "ä"
    assert decode_continuation(None) == ""
    assert [decode_continuation(bad) for bad in ("%", "garbage", "/w==")] == [None, None, None]


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ("Exception: boom", None),
        ('Exception: boom\n\n$OutOfProcData$:{"a": 1}', '{"a": 1}'),
        ('Exception: boom\n\n$OutOfProcData$:{"a": 1}\nStack: x', '{"a": 1}'),
        ('Exception: said $OutOfProcData$: too\n\n$OutOfProcData$:{"a": 1}', '{"a": 1}'),
        ("Exception: $OutOfProcData$:", None),
    ],
)
def test_the_state_is_cut_out_of_a_failure(message: str, state: str | None) -> None:
    assert state_in_failure(message) == state


def test_more_than_one_list_of_actions_is_an_error() -> None:
    answer = Answer.parse(json.dumps({"isDone": True, "actions": [[], []]}))
    assert answer.error is not None
    assert Answer.of_failure(InvocationError("E: x", "trace")).error == (
        "Result: Failure\nException: E: x\nStack: trace"
    )


@pytest.mark.parametrize(
    ("time", "shortened"),
    [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.350Z", "2026-01-01T00:00:00.35Z"),
        ("2026-01-01T00:00:10Z", "2026-01-01T00:00:10Z"),
        ("at 2026-01-01T00:00:00.000Z", "at 2026-01-01T00:00:00.000Z"),
        ('"2026-01-01T00:00:00.000Z"', '"2026-01-01T00:00:00.000Z"'),
    ],
)
def test_times_in_the_state_of_a_failure_lose_their_last_zeros(time: str, shortened: str) -> None:
    assert json.loads(with_shortened_times(json.dumps({"at": [time]}))) == {"at": [shortened]}
