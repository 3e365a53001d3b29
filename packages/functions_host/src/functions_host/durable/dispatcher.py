"""Starts the work of the task hub: episodes, activities, entity batches and timers, on one event loop."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from functions_host.durable.activity_runner import run_activity
from functions_host.durable.clock import Clock
from functions_host.durable.decisions import EntityId
from functions_host.durable.entity_runner import EntityRunner
from functions_host.durable.episode_runner import EpisodeRunner
from functions_host.durable.events import format_time, parse_time
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.keyed_queue import K, KeyedQueue
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.known_functions import KnownFunctions
from functions_host.durable.language_worker import Worker
from functions_host.durable.redelivery import hide_taken_work, show_due_work
from functions_host.durable.states import InstanceState
from functions_host.durable.store.store import Store
from functions_host.durable.store.work_tables import QueuedActivity
from functions_host.durable.transitions import Transaction, complete_activity, fire_due_timers
from functions_host.telemetry.spans import SpanSink
from functions_host.telemetry.trace_context import OpenSpan

logger = logging.getLogger(__name__)

# Work that failed because of the host itself, not of the app, is tried again after this pause.
RETRY_PAUSE = timedelta(seconds=1)
# Timers in one transaction: a larger one would block the event loop for too long.
_TIMERS_AT_ONCE = 500
# Seconds.
_LONGEST_RENEWAL_PAUSE = 0.2


class Dispatcher:
    """Claims work in memory, because the store has one owner. Work leaves the store together with its result."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        options: HubOptions,
        clock: Clock,
        spans: SpanSink | None,
        kill_point: KillPoint | None,
    ) -> None:
        self.known = KnownFunctions.of(worker)
        self._store = store
        self._worker = worker
        self._options = options
        self._clock = clock
        self._spans = spans
        self._episodes = EpisodeRunner(
            store, worker, self.known, clock, options.default_version, self.transaction, kill_point
        )
        self._batches = EntityRunner(store, worker, self.known, clock, self.transaction)
        self._orchestrations: KeyedQueue[str] = KeyedQueue()
        self._entities: KeyedQueue[EntityId] = KeyedQueue()
        self._running_activities: set[int] = set()
        self._activities_waiting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._sleeper: asyncio.Task[None] | None = None
        self._sleeping_until: str | None = None
        self._lease_keeper: asyncio.Task[None] | None = None
        self._redeliverer: asyncio.Task[None] | None = None
        self._waiters: dict[str, list[asyncio.Future[InstanceState]]] = {}
        self._accepting = False

    def start(self) -> None:
        """Continues the work of an earlier process, also of a killed one."""
        self._accepting = True
        self._lease_keeper = asyncio.create_task(self._keep_leases())
        with self.transaction() as tx:
            moments = hide_taken_work(self._store, tx.now)
            for instance_id, _ in self._store.instances.unwritten():
                self._orchestrations.hold(instance_id)
            tx.instances.extend(self._store.instances.with_messages())
            tx.entities.extend(self._store.entities.with_operations())
            tx.activities_queued = self._store.work.count_activities(tx.now, ())
            tx.timers_changed = True
            self._take_messages(tx.taken_until)
        if moments:
            logger.warning(
                "A killed host had taken messages; the last of them is visible again at %s.",
                moments[-1],
            )
        self._redeliverer = asyncio.create_task(self._redeliver_at(moments))

    async def stop(self, grace_seconds: float) -> None:
        """Starts nothing new and waits ``grace_seconds`` for running work; the rest runs after the next start."""
        self._accepting = False
        for helper in (self._sleeper, self._lease_keeper, self._redeliverer):
            if helper is not None:
                helper.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        leftover = list(self._tasks)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        try:
            with self._store.transaction():
                self._take_messages(None)
                self._store.work.hide_activities(self._running_activities, None)
        except Exception:
            logger.exception("The messages in work could not be released: the next host sees them later.")
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.cancel()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One change of state. The work that it makes due starts after the commit.

        What the dispatcher holds in memory changes after the commit, too: a write that fails changes nothing.
        """
        now = self._clock.now()
        # A host that stops takes nothing that is sent: the next host must not wait for it.
        taken_until = format_time(now + self._options.control_queue_visibility if self._accepting else now)
        tx = Transaction(self._store, format_time(now), taken_until, spans=[] if self._spans else None)
        with self._store.transaction():
            yield tx
            # An activity is leased in the transaction that queues it, or in one that makes a place free.
            waiting = self._activities_waiting + tx.activities_queued
            running = self._running_activities - tx.activities_left
            free = self._options.max_concurrent_activities - len(running)
            leased = self._lease_activities(free, running, now) if waiting and free > 0 else None
        # Fewer than asked for means that none is left; some may have been purged.
        exhausted = leased is not None and len(leased) < free
        self._activities_waiting = 0 if exhausted else waiting - len(leased or ())
        self._running_activities = running
        for instance_id in tx.rewritten:
            self._episodes.forget(instance_id)
            self._orchestrations.free(instance_id)
        for activity in leased or ():
            self._running_activities.add(activity.id)
            self._start_task(self._run_activity(activity))
        for instance_id in tx.instances:
            self._orchestrations.add(instance_id)
        for entity in tx.entities:
            self._entities.add(entity)
        if self._spans is not None:
            for span in tx.spans or ():
                self._spans.emit(span)
        for state in tx.ended:
            for waiter in self._waiters.get(state.instance_id, ()):
                if not waiter.done():
                    waiter.set_result(state)
        self._start_ready_work()
        if tx.timers_changed:
            # The change is committed: an error must not tell the caller that it failed.
            self._insist(self._watch_timers)

    async def ended(self, instance_id: str) -> InstanceState:
        """Waits until the instance has a terminal status."""
        waiter: asyncio.Future[InstanceState] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(instance_id, [])
        waiters.append(waiter)
        try:
            return await waiter
        finally:
            waiters.remove(waiter)
            if not waiters:
                self._waiters.pop(instance_id, None)

    @property
    def is_idle(self) -> bool:
        """No work is running or ready; timers may be waiting."""
        return not self._tasks

    def _start_ready_work(self) -> None:
        if not self._accepting:
            return
        limit = self._options.max_concurrent_orchestrators
        self._start_keys(self._orchestrations, limit, self._episodes.run)
        self._start_keys(self._entities, limit, self._batches.run)

    def _start_keys(
        self, queue: KeyedQueue[K], limit: int, run: Callable[[K], Coroutine[None, None, None]]
    ) -> None:
        while queue.running < limit and (key := queue.take()) is not None:
            self._start_task(self._work_on(queue, key, run))

    async def _work_on(
        self, queue: KeyedQueue[K], key: K, run: Callable[[K], Coroutine[None, None, None]]
    ) -> None:
        try:
            await run(key)
        except Exception:
            logger.exception("Work on %s failed in the host; it is tried again in %s.", key, RETRY_PAUSE)
            self._after_pause(lambda: queue.add(key))
        finally:
            queue.release(key)
            self._start_ready_work()

    def _lease_activities(
        self, limit: int, running: Collection[int], now: datetime
    ) -> Sequence[QueuedActivity] | None:
        if not self._accepting:
            return None
        until = now + self._options.work_item_queue_visibility
        return self._store.work.lease_activities(limit, format_time(now), format_time(until), running)

    async def _run_activity(self, activity: QueuedActivity) -> None:
        try:
            span = OpenSpan.below(activity.span.context, format_time(self._clock.now()))
            result = await run_activity(self._worker, self.known, activity, span.context, self._clock)
            with self.transaction() as tx:
                tx.activities_left.add(activity.id)
                complete_activity(tx, activity, span, result)
        except Exception:
            # The user function did not fail: the message is released, and the activity runs again. Until then it
            # counts as running, so that a broken worker does not get more and more work.
            logger.exception(
                "Activity %s failed in the host; it is tried again in %s.", activity.name, RETRY_PAUSE
            )
            self._after_pause(lambda: self._release_activity(activity))

    def _release_activity(self, activity: QueuedActivity) -> None:
        with self.transaction() as tx:
            tx.activities_left.add(activity.id)
            self._store.work.hide_activities([activity.id], None)
            tx.activities_queued = 1

    async def _keep_leases(self) -> None:
        control, work_item = self._options.control_queue_visibility, self._options.work_item_queue_visibility
        shortest = min(control, work_item)
        renewed_at = self._clock.now()
        while True:
            # Real time: a virtual clock would never be idle. The pause is short: a steered clock may jump.
            await asyncio.sleep(min(shortest.total_seconds() / 2, _LONGEST_RENEWAL_PAUSE))
            now = self._clock.now()
            if now < renewed_at + shortest / 2:
                continue
            try:
                with self._store.transaction():
                    self._take_messages(format_time(now + control))
                    self._store.work.hide_activities(self._running_activities, format_time(now + work_item))
                renewed_at = now
            except Exception:
                logger.exception("The visibility timeouts of the messages in work could not be renewed.")

    def _take_messages(self, until: str | None) -> None:
        self._store.instances.take_messages(until)
        self._store.entities.take_operations(until)

    async def _redeliver_at(self, moments: Sequence[str]) -> None:
        for moment in moments:
            await self._clock.sleep_until(parse_time(moment))
            self._insist(self._redeliver)

    def _redeliver(self) -> None:
        with self.transaction() as tx:
            ended = show_due_work(tx, list(self._running_activities))
            tx.rewritten.extend(instance.instance_id for instance in ended)

    def _watch_timers(self) -> None:
        due = self._store.work.next_due()
        if due == self._sleeping_until or not self._accepting:
            return
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._sleeping_until = due
        self._sleeper = None if due is None else asyncio.create_task(self._fire_timers_at(due))

    async def _fire_timers_at(self, due: str) -> None:
        await self._clock.sleep_until(parse_time(due))
        # From here on a change of timers must not cancel this task.
        self._sleeper, self._sleeping_until = None, None
        try:
            with self.transaction() as tx:
                fire_due_timers(tx, _TIMERS_AT_ONCE)
        except Exception:
            logger.exception("Timers could not be fired; it is tried again in %s.", RETRY_PAUSE)
            self._after_pause(self._watch_timers)

    def _insist(self, action: Callable[[], None]) -> None:
        """Runs ``action`` until it succeeds: a disk that is full now has room again at some time."""
        try:
            action()
        except Exception:
            logger.exception("The store failed; the work that needs it is tried again in %s.", RETRY_PAUSE)
            self._after_pause(action)

    def _after_pause(self, action: Callable[[], None]) -> None:
        def act() -> None:
            if self._accepting:
                self._insist(action)
                self._start_ready_work()

        asyncio.get_running_loop().call_later(RETRY_PAUSE.total_seconds(), act)

    def _start_task(self, work: Coroutine[None, None, None]) -> None:
        hold = self._clock.working()
        hold.__enter__()
        task = asyncio.create_task(work)
        self._tasks.add(task)

        def finished(_: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            hold.__exit__(None, None, None)

        task.add_done_callback(finished)
