"""Delivers the events of one subscription until each is accepted or given up."""

import asyncio
import heapq
import itertools
import json
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import aiohttp

from local.event_grid.dead_letter import Undelivered, write_dead_letter
from local.event_grid.event import Event, JsonObject, written
from local.event_grid.retry import GiveUp, Outcome, after_failure
from local.event_grid.subscription import Subscription
from local.event_grid.webhook import deliver

log = logging.getLogger(__name__)

_REQUESTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts the copies of matching events: those ``waiting`` for an attempt or its answer, and the others by how
    they ended; ``lost`` copies were suppressed on purpose. ``requests`` counts the HTTP requests."""

    waiting: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    dropped: int = 0
    lost: int = 0
    requests: int = 0


@dataclass(slots=True)
class _Pending:
    event: Event
    document: JsonObject
    size: int
    accepted_at: float
    published_at: datetime
    attempts: int = 0


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    pending: _Pending = field(compare=False)


class Delivery:
    """Belongs to one event loop. Pending events are in memory only."""

    def __init__(self, subscription: Subscription, session: aiohttp.ClientSession, time_scale: float) -> None:
        self.subscription = subscription
        self.tally = Tally()
        self._session = session
        self._time_scale = time_scale
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._slots = asyncio.Semaphore(_REQUESTS_AT_ONCE)

    def accept(self, event: Event) -> None:
        subscription = self.subscription
        if not subscription.filter.matches(event, subscription.schema):
            return
        delays = list(subscription.disturbance.delays(event.id))
        if not delays:
            self._count(lost=1)
        document = written(event, subscription.schema)
        size = len(json.dumps(document, ensure_ascii=False).encode())
        for delay in delays:
            self._count(waiting=1)
            pending = _Pending(event, document, size, time.monotonic(), datetime.now(UTC))
            self._push(pending, delay)

    async def idle(self) -> None:
        """Returns once no event waits for an attempt or a retry."""
        await self._idle.wait()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as requests:
            while True:
                await self._slots.acquire()
                requests.create_task(self._send(await self._next_batch()))

    async def _next_batch(self) -> list[_Pending]:
        while not self._due or self._due[0].at > time.monotonic():
            self._changed.clear()
            wait = self._due[0].at - time.monotonic() if self._due else None
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue  # something is due
        now = time.monotonic()
        batch = [heapq.heappop(self._due).pending]
        limits, size = self.subscription.batching, batch[0].size
        while self._due and self._due[0].at <= now and len(batch) < limits.max_events:
            size += self._due[0].pending.size
            if size > limits.preferred_kilobytes * 1024:
                break
            batch.append(heapq.heappop(self._due).pending)
        return batch

    async def _send(self, batch: list[_Pending]) -> None:
        try:
            documents = [pending.document for pending in batch]
            outcome = await deliver(self._session, self.subscription, documents, batch[0].attempts)
        finally:
            self._slots.release()
        self._count(requests=1)
        for pending in batch:
            pending.attempts += 1
            self._record(pending, outcome)

    def _record(self, pending: _Pending, outcome: Outcome) -> None:
        if outcome.delivered:
            self._count(waiting=-1, delivered=1)
            return
        age = (time.monotonic() - pending.accepted_at) * self._time_scale
        verdict = after_failure(outcome, pending.attempts, age, self.subscription.retry)
        name, event = self.subscription.name, pending.event
        if isinstance(verdict, GiveUp):
            log.warning("%s: event %s is given up: %s (%s)", name, event.id, verdict.reason, outcome.name)
            self._give_up(pending, outcome, verdict.reason)
            return
        wait = verdict.wait / self._time_scale
        log.info("%s: event %s not accepted (%s); again in %.2f s", name, event.id, outcome.name, wait)
        self._push(pending, wait)

    def _give_up(self, pending: _Pending, outcome: Outcome, reason: str) -> None:
        subscription = self.subscription
        if subscription.dead_letter is None:
            self._count(waiting=-1, dropped=1)
            return
        undelivered = Undelivered(
            pending.event,
            reason,
            pending.attempts,
            outcome.name,
            pending.published_at,
            last_attempt_at=datetime.now(UTC),
        )
        try:
            write_dead_letter(subscription.dead_letter, subscription.name, undelivered, subscription.schema)
        except OSError as error:
            log.error(
                "%s: event %s is dropped, no dead letter: %s", subscription.name, pending.event.id, error
            )
            self._count(waiting=-1, dropped=1)
        else:
            self._count(waiting=-1, dead_lettered=1)

    def _push(self, pending: _Pending, wait: float) -> None:
        heapq.heappush(self._due, _Due(time.monotonic() + wait, next(self._order), pending))
        self._changed.set()

    def _count(self, **changes: int) -> None:
        self.tally = replace(
            self.tally, **{name: getattr(self.tally, name) + by for name, by in changes.items()}
        )
        (self._idle.clear if self.tally.waiting else self._idle.set)()
