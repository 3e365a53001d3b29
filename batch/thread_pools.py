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
        self._name, self._threads = name, threads
        self._executor = self._new_executor()

    def submit(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
        # With its context: what the call logs belongs to the trace of its caller.
        return self._executor.submit(copy_context().run, partial(call, *args, **options))

    async def run(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        return await asyncio.wrap_future(self.submit(call, *args, **options))

    def give_up_hanging(self) -> None:
        """Later calls get other threads. What was submitted before goes on; nothing may be submitted meanwhile."""
        given_up, self._executor = self._executor, self._new_executor()
        given_up.shutdown(wait=False)

    def _new_executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)


azure_ml = ThreadPool("azure-ml", ACTIVITIES)
tokens = ThreadPool("tokens", 8)
"""One request for a token goes on for each audience. ``token_cache.py`` gives up those that hang, with threads."""
NOTIFICATIONS = 10
"""As many are sent to a receiver at once in a process: if it hangs, most activities are left to the runs."""
event_grid = ThreadPool("event-grid", NOTIFICATIONS)
webhook = ThreadPool("webhook", NOTIFICATIONS)
run_history = ThreadPool("run-history", 20)
"""Why a job failed. The caller waits some seconds only; a request that hangs keeps its thread, here and below."""
job_logs = ThreadPool("job-logs", 10)
"""Readers of logs keep no run from its reason."""
datastores = ThreadPool("datastores", 10)
"""Where the outputs of completed runs are."""
task_hub = ThreadPool("task-hub", 4)
"""Only housekeeping and the rebuild of the ledger ask the task hub by calls that block."""
