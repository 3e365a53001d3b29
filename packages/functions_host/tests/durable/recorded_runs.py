"""Plays recorded runs: the engine runs, and the worker gives the recorded answers."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from functions_host.durable.clock import VirtualClock
from functions_host.durable.events import EventType
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.language_worker import InvocationError
from functions_host.durable.store.store import Store
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.recordings import recording

_LIMIT_SECONDS = 20
# A continued execution begins with three events.
_FIRST_EPISODE = 2
_BEFORE_THE_RUNS = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Invocation:
    """``data`` is the input of the function, ``number`` its place in the recording."""

    number: int
    kind: str
    name: str
    data: str
    traceparent: str | None
    answer: dict[str, str]

    @property
    def value(self) -> Any:
        return json.loads(self.data)

    @property
    def new_events(self) -> list[dict[str, Any]]:
        """The events that are new in this episode."""
        history = self.value["history"]
        last_start = max(
            index
            for index, event in enumerate(history)
            if event["EventType"] == EventType.ORCHESTRATOR_STARTED
        )
        return list(history[last_start:])


@dataclass(frozen=True)
class Seen:
    """An input that the engine gave to the worker."""

    data: str
    trace: TraceContext


def invocations() -> list[Invocation]:
    return [Invocation(number, **record) for number, record in enumerate(recording("invocations"))]


def runs() -> list[list[Invocation]]:
    """The recorded invocations run by run: each begins with the first episode of an instance."""
    found: list[list[Invocation]] = []
    for each in invocations():
        history = each.value["history"] if each.kind == "orchestrationTrigger" else []
        if len(history) == _FIRST_EPISODE:
            found.append([])
        found[-1].append(each)
    return found


class _Clock(VirtualClock):
    """Work takes time, as in the recording; timers fire when the test releases the clock."""

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now


class RecordedRun:
    """Implements ``Worker``. ``seen`` has the input for each recorded invocation, by its number.

    ``custom_status`` is the final custom status of the instance, as JSON.
    """

    def __init__(self, run: Sequence[Invocation]) -> None:
        self.seen: dict[int, Seen] = {}
        self.custom_status: str | None = None
        self._run = run
        self._left = list(run)
        self._clock = _Clock(_BEFORE_THE_RUNS)
        self._hold: AbstractContextManager[None] | None = None
        self._store = Store(":memory:")
        self._hub = DurableTaskHub(self._store, self, HubOptions(default_version="1.0"), self._clock)

    @property
    def orchestrators(self) -> Sequence[str]:
        return self._names("orchestrationTrigger")

    @property
    def activities(self) -> Sequence[str]:
        return self._names("activityTrigger")

    @property
    def entities(self) -> Sequence[str]:
        return self._names("entityTrigger")

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str:
        self._stop_time()
        return self._answer("orchestrationTrigger", name, context_json, trace)

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None:
        number = next(
            each.number for each in self._left if (each.kind, each.name) == ("activityTrigger", name)
        )
        await self._signal_for_client(before=number)
        return self._answer("activityTrigger", name, input_json, trace)

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str:
        return self._answer("entityTrigger", name, batch_json, trace)

    async def play(self, input_text: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Does what the callers of the recorded run did, in the same order, and returns the final history.

        ``input_text`` is the input of the instance as JSON, if it is not the recorded one.
        """
        self._stop_time()
        self._hub.begin()
        first, *later = [each for each in self._run if each.kind == "orchestrationTrigger"]
        started = first.value["history"][1]
        instance_id = first.value["instanceId"]
        await self._hub.start(started["Name"], input_text or started["Input"], instance_id)
        await self._until_idle()
        for episode in later:
            await self._signal_for_client(before=episode.number)
            for event in episode.new_events:
                if event["EventType"] == EventType.EVENT_RAISED:
                    await self._hub.raise_event(instance_id, event["Name"], event["Input"])
                elif event["EventType"] == EventType.TIMER_FIRED and episode.number not in self.seen:
                    self._let_time_go_on()
                    await self._until(partial(self.seen.__contains__, episode.number))
            await self._until_idle()
        history = await self._hub.history(instance_id)
        state = await self._hub.get(instance_id)
        self.custom_status = state.custom_status if state else None
        await self._hub.stop()
        self._store.close()
        self._let_time_go_on()
        return history

    def _answer(self, kind: str, name: str, data: str, trace: TraceContext) -> str:
        position = next(
            index for index, each in enumerate(self._left) if (each.kind, each.name) == (kind, name)
        )
        recorded = self._left.pop(position)
        self.seen[recorded.number] = Seen(data, trace)
        if recorded.answer["type"] == "error":
            raise InvocationError(recorded.answer["value"])
        return recorded.answer["value"]

    async def _signal_for_client(self, before: int) -> None:
        """Sends the operations that a client, not an orchestrator, sent before the invocation ``before``."""
        waiting = [each for each in self._left if each.kind == "entityTrigger" and each.number < before]
        for batch in waiting:
            target = batch.value["self"]
            for operation in batch.value["batch"]:
                if not self._is_of_an_orchestrator(operation["name"]):
                    await self._hub.signal_entity(
                        target["name"], target["key"], operation["name"], operation["input"]
                    )
                    await self._until(partial(self.seen.__contains__, batch.number))

    def _is_of_an_orchestrator(self, operation: str) -> bool:
        return any(
            f'"operation": "{operation}"' in each.answer["value"]
            for each in self._run
            if each.kind == "orchestrationTrigger"
        )

    async def _until_idle(self) -> None:
        await self._until(lambda: self._hub.is_idle)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(_LIMIT_SECONDS):
            while True:
                if condition():
                    return
                await asyncio.sleep(0)

    def _stop_time(self) -> None:
        if self._hold is None:
            self._hold = self._clock.working()
            self._hold.__enter__()

    def _let_time_go_on(self) -> None:
        if self._hold is not None:
            hold, self._hold = self._hold, None
            hold.__exit__(None, None, None)

    def _names(self, kind: str) -> Sequence[str]:
        return sorted({each.name for each in self._run if each.kind == kind})
