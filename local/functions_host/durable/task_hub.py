"""The task hub: what the durable client and the management API ask of the engine."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .contract import (
    ArgumentError,
    Clock,
    EntityState,
    HubOptions,
    InstanceGoneError,
    InstanceNotFoundError,
    InstancePage,
    InstanceQuery,
    InstanceState,
    InvalidOperationError,
    OrchestrationAlreadyExistsError,
    RuntimeStatus,
    Worker,
)
from .decisions import EntityId
from .dispatcher import Dispatcher
from .entity_tables import Operation
from .events import EventType, HistoryEvent, event_raised, format_time, history_event, reformatted
from .instance_tables import Instance
from .paging import decode_continuation, encode_continuation
from .rewind import rewind_instance
from .spans import SpanSink
from .store import Store
from .trace_context import OpenSpan, TraceContext
from .transitions import create_instance, forget_instance, send, signal_entity

MAX_INSTANCE_ID = 256
_FORBIDDEN_IN_ID = frozenset("/\\?#")


class DurableTaskHub:
    """Implements ``contract.TaskHub``. The store is the caller's to close, after ``stop``."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        options: HubOptions,
        clock: Clock,
        spans: SpanSink | None = None,
    ) -> None:
        self._store = store
        self._options = options
        self._dispatcher = Dispatcher(store, worker, options, clock, spans)

    def begin(self) -> None:
        """Takes up all unfinished work. Call it on the event loop that will carry the work."""
        self._dispatcher.start()

    async def stop(self, grace_seconds: float = 2.0) -> None:
        """Gives running work ``grace_seconds`` to end; what does not is run again at the next start."""
        await self._dispatcher.stop(grace_seconds)

    @property
    def is_idle(self) -> bool:
        """Nothing is being worked on; timers may be waiting."""
        return self._dispatcher.is_idle

    async def wait(self, instance_id: str, timeout_seconds: float | None = None) -> InstanceState:
        """The state of the instance once it has ended.

        Raises InstanceNotFoundError, or TimeoutError after ``timeout_seconds`` of real time.
        """
        async with asyncio.timeout(timeout_seconds):
            instance = self._existing(instance_id)
            if instance.status.is_terminal:
                return instance.state()
            return await self._dispatcher.ended(instance_id)

    async def start(
        self,
        name: str,
        input_json: str | None,
        instance_id: str | None = None,
        version: str | None = None,
        trace: TraceContext | None = None,
    ) -> str:
        if problem := self._dispatcher.known.orchestrators.problem_with(name):
            raise ArgumentError(problem)
        _check_json(input_json)
        instance_id = uuid.uuid4().hex if instance_id is None else _checked_id(instance_id)
        self._refuse_replacing(instance_id)
        with self._dispatcher.transaction() as tx:
            create_instance(
                tx,
                instance_id,
                name,
                self._options.default_version if version is None else version,
                input_json,
                trace=trace,
            )
        return instance_id

    async def get(self, instance_id: str) -> InstanceState | None:
        instance = self._store.instances.find(instance_id)
        return None if instance is None else instance.state()

    async def query(self, query: InstanceQuery) -> InstancePage:
        """Pages are in the order of instance ids."""
        found = self._store.instances.page(query, decode_continuation(query.continuation, 1)[0])
        shown = found[: query.top]
        more = encode_continuation(shown[-1].instance_id) if len(found) > query.top and shown else None
        return InstancePage([instance.state() for instance in shown], more)

    async def history(self, instance_id: str) -> Sequence[Mapping[str, Any]]:
        events: list[HistoryEvent] = json.loads(f"[{','.join(self._store.instances.history(instance_id))}]")
        return events

    async def raise_event(self, instance_id: str, event_name: str, data_json: str) -> None:
        _check_json(data_json)
        self._running(instance_id)
        with self._dispatcher.transaction() as tx:
            send(tx, instance_id, None, event_raised(tx.now, event_name, reformatted(data_json)))

    async def terminate(self, instance_id: str, reason: str) -> None:
        self._running(instance_id)
        self._send(instance_id, EventType.EXECUTION_TERMINATED, Input=reason)

    async def suspend(self, instance_id: str, reason: str) -> None:
        if self._running(instance_id).status is RuntimeStatus.SUSPENDED:
            raise InvalidOperationError(
                f"Cannot suspend orchestration instance {instance_id}: it is suspended."
            )
        self._send(instance_id, EventType.EXECUTION_SUSPENDED, Reason=reason)

    async def resume(self, instance_id: str, reason: str) -> None:
        if self._running(instance_id).status is not RuntimeStatus.SUSPENDED:
            raise InvalidOperationError(
                f"Cannot resume orchestration instance {instance_id}: it is not suspended."
            )
        self._send(instance_id, EventType.EXECUTION_RESUMED, Reason=reason)

    async def rewind(self, instance_id: str, reason: str) -> None:
        instance = self._existing(instance_id)
        if not instance.status.is_terminal:
            raise InvalidOperationError(
                "The rewind operation is only supported on failed orchestration instances."
            )
        if instance.status is not RuntimeStatus.FAILED:
            raise InstanceGoneError(instance_id)
        with self._dispatcher.transaction() as tx:
            for rewound in rewind_instance(tx, instance, reason):
                self._dispatcher.forget(rewound)

    async def restart(self, instance_id: str, with_new_instance_id: bool) -> str:
        instance = self._store.instances.find(instance_id)
        if instance is None:
            raise ArgumentError("InstanceId does not match a valid orchestration instance.")
        if not with_new_instance_id and not instance.status.is_terminal:
            raise InvalidOperationError(
                f"Instance '{instance_id}' cannot be restarted under its own ID: it is {instance.status}."
            )
        target = None if with_new_instance_id else instance_id
        # durable-functions behaviour: where there was no input, the JSON value null is the new one's.
        return await self.start(instance.name, instance.input or "null", target, instance.version)

    async def purge(self, instance_id: str) -> bool:
        """To the real runtime an entity is an instance, too, under the id ``@name@key``."""
        if instance_id.startswith("@"):
            return self._purge_entity(EntityId.parse(instance_id))
        if self._store.instances.find(instance_id) is None:
            return False
        with self._dispatcher.transaction() as tx:
            forget_instance(tx, instance_id)
        self._dispatcher.forget(instance_id)
        return True

    def _purge_entity(self, entity: EntityId) -> bool:
        if self._store.entities.find(entity) is None:
            return False
        with self._dispatcher.transaction() as tx:
            tx.store.entities.delete(entity)
        return True

    async def purge_by(self, query: InstanceQuery) -> int:
        """Only instances that have ended, whatever statuses are asked for. Paging fields are ignored."""
        ended = frozenset(status for status in RuntimeStatus if status.is_terminal)
        wanted = query.statuses & ended if query.statuses else ended
        if not wanted:
            return 0
        batch = replace(query, statuses=wanted, top=200, continuation=None)
        purged, after = 0, ""
        while found := self._store.instances.page(batch, after):
            with self._dispatcher.transaction() as tx:
                for instance in found:
                    forget_instance(tx, instance.instance_id)
            purged += len(found)
            after = found[-1].instance_id
            await asyncio.sleep(0)
        return purged

    async def signal_entity(
        self,
        name: str,
        key: str,
        operation: str,
        input_json: str | None,
        trace: TraceContext | None = None,
    ) -> None:
        """Raises ArgumentError for an entity that the worker does not have."""
        if problem := self._dispatcher.known.entities.problem_with(name):
            raise ArgumentError(problem)
        _check_json(input_json)
        with self._dispatcher.transaction() as tx:
            # durable-functions behaviour: a signal that comes without a trace begins none.
            span = OpenSpan.below(trace, tx.now) if trace else None
            signal_entity(tx, EntityId(name.lower(), key), Operation(operation, input_json, span=span))

    async def get_entity(self, name: str, key: str) -> EntityState | None:
        return self._store.entities.find(EntityId(name.lower(), key))

    async def list_entities(
        self,
        name: str | None = None,
        top: int = 100,
        continuation: str | None = None,
        last_operation_from: datetime | None = None,
        last_operation_to: datetime | None = None,
    ) -> tuple[Sequence[EntityState], str | None]:
        after = EntityId(*decode_continuation(continuation, 2))
        earliest = format_time(last_operation_from or datetime.min.replace(tzinfo=UTC))
        latest = format_time(last_operation_to or datetime.max.replace(tzinfo=UTC))
        found = self._store.entities.page(name and name.lower(), after, top + 1, earliest, latest)
        shown = found[:top]
        more = encode_continuation(shown[-1].name, shown[-1].key) if len(found) > top and shown else None
        return shown, more

    def _existing(self, instance_id: str) -> Instance:
        instance = self._store.instances.find(instance_id)
        if instance is None:
            raise InstanceNotFoundError(instance_id)
        return instance

    def _running(self, instance_id: str) -> Instance:
        instance = self._existing(instance_id)
        if instance.status.is_terminal:
            raise InstanceGoneError(instance_id)
        return instance

    def _send(self, instance_id: str, kind: EventType, **fields: str) -> None:
        with self._dispatcher.transaction() as tx:
            send(tx, instance_id, None, history_event(kind, tx.now, -1, **fields))

    def _refuse_replacing(self, instance_id: str) -> None:
        existing = self._store.instances.find(instance_id)
        if existing is None or existing.status.is_terminal or self._options.overridable_states == "AnyState":
            return
        raise OrchestrationAlreadyExistsError(
            f"An Orchestration instance with the status {existing.status} already exists."
        )


def _check_json(text: str | None) -> None:
    if text is None:
        return
    try:
        json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"Invalid JSON content: {error}") from error


def _checked_id(instance_id: str) -> str:
    if not instance_id or len(instance_id) > MAX_INSTANCE_ID:
        raise ArgumentError(f"Instance IDs must have between 1 and {MAX_INSTANCE_ID} characters.")
    if instance_id.startswith("@"):
        raise ArgumentError("Orchestration instance IDs must not start with @.")
    if any(character in _FORBIDDEN_IN_ID or not character.isprintable() for character in instance_id):
        raise ArgumentError("Instance IDs must not contain /, \\, ?, # or control characters.")
    return instance_id
