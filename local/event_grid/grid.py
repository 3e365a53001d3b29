"""Event Grid in this process: delivers published events to webhooks, from its own thread."""

import asyncio
import json
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Self, TypeVar

import aiohttp

from local.event_grid.delivery import Delivery, Tally
from local.event_grid.event import Event, Schema, written
from local.event_grid.subscription import Disturbance, Subscription
from local.event_grid.webhook import shake_hands

log = logging.getLogger(__name__)

T = TypeVar("T")
_CALL_LIMIT = 60.0


class EventGrid:
    """``with EventGrid() as grid:`` or ``start`` and ``stop``; usable from any thread.

    ``time_scale`` compresses retry waits and time to live: at 60, Event Grid's minute is a second here. The
    30 seconds that an endpoint has to answer are not compressed.

    Delivers at least once while it runs: an endpoint that is down or is killed gets its events when it is back.
    Events wait in memory, so ``stop`` loses them and logs how many (Event Grid itself keeps them on disk).
    """

    def __init__(self, time_scale: float = 1.0) -> None:
        self._time_scale = time_scale
        self._thread = threading.Thread(target=self._run, name="event-grid", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._session: aiohttp.ClientSession
        self._deliveries: dict[str, Delivery] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        self._call(self._open())
        return self

    def stop(self) -> None:
        """Aborts the attempts in flight."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def subscribe(self, subscription: Subscription) -> None:
        """Raises HandshakeError, and ValueError if there is a subscription of that name."""
        self._call(self._subscribe(subscription))

    def disturb(self, name: str, disturbance: Disturbance) -> None:
        """Applies to events of the subscription that are published from now on."""
        self._call(self._disturb(name, disturbance))

    def publish(self, event: Event) -> None:
        """Returns at once. An event that matches no subscription is dropped.

        Raises ValueError or TypeError for what JSON cannot carry, RuntimeError after ``stop``.
        """
        # Checked here: the thread that delivers has no caller to raise to.
        json.dumps(written(event, Schema.EVENT_GRID), ensure_ascii=False).encode()
        self._loop.call_soon_threadsafe(self._accept, event)

    def tally(self, name: str) -> Tally:
        return self._call(self._tally(name))

    def wait_until_idle(self, limit: float) -> None:
        """Returns once every published event is delivered or given up. TimeoutError after ``limit`` seconds."""
        self._call(self._idle(limit), limit + _CALL_LIMIT)

    def _call(self, call: Coroutine[Any, Any, T], limit: float = _CALL_LIMIT) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(call, self._loop)
        return future.result(limit)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(trust_env=False)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        for name, delivery in self._deliveries.items():
            if delivery.tally.waiting:
                log.warning("%s: %d events are lost", name, delivery.tally.waiting)

    async def _subscribe(self, subscription: Subscription) -> None:
        if subscription.name in self._deliveries:
            raise ValueError(f"there is a subscription {subscription.name!r} already")
        await shake_hands(self._session, subscription)
        delivery = Delivery(subscription, self._session, self._time_scale)
        self._deliveries[subscription.name] = delivery
        self._tasks.append(asyncio.create_task(delivery.run()))

    async def _disturb(self, name: str, disturbance: Disturbance) -> None:
        delivery = self._deliveries[name]
        delivery.subscription = replace(delivery.subscription, disturbance=disturbance)

    def _accept(self, event: Event) -> None:
        for delivery in self._deliveries.values():
            delivery.accept(event)

    async def _tally(self, name: str) -> Tally:
        return self._deliveries[name].tally

    async def _idle(self, limit: float) -> None:
        async with asyncio.timeout(limit):
            for delivery in self._deliveries.values():
                await delivery.idle()
