"""The threads of the app, against what the host lets in."""

import asyncio
import json
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest

from batch import thread_pools
from batch.thread_pools import ACTIVITIES, ThreadPool

HOST = json.loads((Path(__file__).parents[2] / "host.json").read_text())


def test_each_activity_that_the_host_lets_in_has_a_thread() -> None:
    assert HOST["extensions"]["durableTask"]["maxConcurrentActivityFunctions"] == ACTIVITIES


def test_calls_that_hang_take_no_thread_of_another_service() -> None:
    hang = threading.Event()
    hanging = [thread_pools.tokens.submit(hang.wait, 60) for _ in range(50)]
    try:
        assert thread_pools.azure_ml.submit(lambda: "answer").result(timeout=10) == "answer"
        assert thread_pools.task_hub.submit(lambda: "answer").result(timeout=10) == "answer"
    finally:
        hang.set()
        for each in hanging:
            each.result(timeout=10)


async def test_an_error_of_the_call_is_that_of_the_wait() -> None:
    with pytest.raises(ValueError, match="no number"):
        await ThreadPool("test", 1).run(int, "no number")


async def test_as_many_calls_go_on_at_once_as_there_are_threads() -> None:
    pool, all_there = ThreadPool("test", 3), threading.Barrier(4)
    waits = [asyncio.ensure_future(pool.run(all_there.wait, 10)) for _ in range(3)]
    await asyncio.to_thread(all_there.wait, 10)
    await asyncio.gather(*waits)


async def test_a_call_has_the_context_of_its_caller() -> None:
    trace: ContextVar[str] = ContextVar("trace", default="none")
    pool = ThreadPool("test", 1)
    for caller in ("first", "second"):
        trace.set(caller)
        assert await pool.run(trace.get) == caller
