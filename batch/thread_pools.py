"""Threads for calls that block: a pool for each service, so that one that hangs takes no thread from another.

asyncio's own pool has about as many threads as the machine has cores, and all of the process shares it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

ACTIVITIES = 100
"""As many activities go on at once in a process: ``maxConcurrentActivityFunctions`` of host.json."""


class ThreadPool:
    """Threads are made when they are needed, and kept."""

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def submit(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
        # With its context: what the call logs belongs to the trace of its caller.
        return self._executor.submit(copy_context().run, partial(call, *args, **options))

    async def run(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        return await asyncio.wrap_future(self.submit(call, *args, **options))


azure_ml = ThreadPool("azure-ml", ACTIVITIES)
tokens = ThreadPool("tokens", 8)
"""One request for a token goes on for each audience, besides those that hang until their own time-out."""
task_hub = ThreadPool("task-hub", 4)
"""Only housekeeping and the rebuild of the ledger ask the task hub by calls that block."""
