"""The clocks of the engine.

A virtual clock stands still while there is work, and jumps to the next due time when there is none. So a day of
polling takes milliseconds, in the same order as in real time.
"""

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol

# A longer wait is divided: event loops limit a single wait, and after a sleep or a clock change of the machine the
# wait must not end much too late.
_LONGEST_SINGLE_WAIT = timedelta(minutes=1)


class Clock(Protocol):
    """Time in aware UTC, and a wait that a virtual clock can shorten."""

    def now(self) -> datetime: ...

    async def sleep_until(self, due: datetime) -> None: ...

    def working(self) -> AbstractContextManager[None]:
        """Must be held while there is work: until then a virtual clock stands still."""
        ...


class RealClock:
    """The machine's own clock."""

    def __init__(self) -> None:
        self._no_hold = nullcontext()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, due: datetime) -> None:
        while (remaining := due - self.now()) > timedelta(0):  # noqa: ASYNC110 - waits for time itself
            await asyncio.sleep(min(remaining, _LONGEST_SINGLE_WAIT).total_seconds())

    def working(self) -> AbstractContextManager[None]:
        return self._no_hold


class VirtualClock:
    """Time that moves only while every task waits.

    Every task that works holds the clock with ``working()``. When no task holds it, the time becomes the due time
    of the earliest sleeper, which wakes.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._holders = 0
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, due: datetime) -> None:
        if due <= self._now:
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (due, next(self._order), woken))
        loop.call_soon(self._advance)
        await woken

    @contextmanager
    def working(self) -> Iterator[None]:
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders and self._sleepers:
                asyncio.get_running_loop().call_soon(self._advance)

    def _advance(self) -> None:
        while not self._holders and self._sleepers:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # the sleeper was cancelled
                continue
            self._now = max(self._now, due)
            woken.set_result(None)
            return
