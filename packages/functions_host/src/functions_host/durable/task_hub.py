"""The task hub: the operations of the engine for the durable client and the management API."""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from functions_host.durable.clock import Clock
from functions_host.durable.decisions import EntityId
from functions_host.durable.dispatcher import Dispatcher
from functions_host.durable.entity_instances import as_instance, entity_of, instance_id_of, may_match
from functions_host.durable.errors import (
    ArgumentError,
    InstanceGoneError,
    InstanceNotFoundError,
    InvalidOperationError,
    OrchestrationAlreadyExistsError,
    PreconditionError,
)
from functions_host.durable.events import (
    EventType,
    HistoryEvent,
    event_raised,
    format_time,
    history_event,
    reformatted,
)
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.language_worker import Worker
from functions_host.durable.paging import decode_continuation, encode_continuation
from functions_host.durable.rewind import rewind_instance
from functions_host.durable.states import (
    EntityState,
    InstancePage,
    InstanceQuery,
    InstanceState,
    RuntimeStatus,
)
from functions_host.durable.store.entity_tables import Operation
from functions_host.durable.store.instance_tables import Instance
from functions_host.durable.store.store import Store
from functions_host.durable.transitions import create_instance, forget_instance, send, signal_entity
from functions_host.telemetry.spans import SpanSink
from functions_host.telemetry.trace_context import OpenSpan, TraceContext

MAX_INSTANCE_ID = 256
# Instances in one transaction: a larger one would block the event loop for too long.
_PURGED_AT_ONCE = 200
# Seconds of the machine's time, also with a virtual clock: about one round trip to a storage account.
_STORAGE_ROUND_TRIP = 0.005


async def storage_round_trip() -> None:
    """Lets other requests in between two accesses to the storage of the real extension."""
    await asyncio.sleep(_STORAGE_ROUND_TRIP)


class DurableTaskHub:
    """Everything that the durable client and the management API can ask for.

    The caller closes the store, after ``stop``.
    """

    def __init__(
        self,
        store: Store,
        worker: Worker,
        options: HubOptions,
        clock: Clock,
        spans: SpanSink | None = None,
        kill_point: KillPoint | None = None,
    ) -> None:
        self._store = store
        self._options = options
        self._clock = clock
        self._dispatcher = Dispatcher(store, worker, options, clock, spans, kill_point)

    def begin(self) -> None:
        """Starts all unfinished work, on the running event loop."""
        self._dispatcher.start()

    async def stop(self, grace_seconds: float = 2.0) -> None:
        """Gives running work ``grace_seconds`` to end; the rest runs again after the next start."""
        await self._dispatcher.stop(grace_seconds)

    @property
    def is_idle(self) -> bool:
        """No work is running; timers may be waiting."""
        return self._dispatcher.is_idle

    async def wait(self, instance_id: str, timeout_seconds: float | None = None) -> InstanceState:
        """Waits until the instance has ended, and returns its state.

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
        """Returns the instance id. ``trace`` is the caller's span.

        Raises ArgumentError, OrchestrationAlreadyExistsError.

        durable-functions behaviour: an orchestrator that the app does not have is started, too, and then fails.
        durable-functions behaviour: a start is not atomic. The extension reads the row of the instance, then sends
        the start message and writes the row. All starts of one id that read before the first one writes succeed; each
        replaces the execution of the one before, also if it runs, and the last one remains.
        """
        _check_json(input_json)
        if instance_id is None:
            # No other request can know this id: a wait would change nothing but the speed.
            instance_id = uuid.uuid4().hex
        else:
            self._refuse_replacing(_checked_id(instance_id))
            with self._clock.working():
                await storage_round_trip()
        with self._dispatcher.transaction() as tx:
            tx.rewritten.append(instance_id)
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
        """Also for the id of an entity: in the real runtime an entity is an instance, too."""
        if entity := self._find_entity(instance_id):
            return as_instance(entity)
        instance = self._store.instances.find(instance_id)
        return None if instance is None else instance.state()

    async def query(self, query: InstanceQuery) -> InstancePage:
        """Instances and entities, in the order of instance ids."""
        first = decode_continuation(query.continuation)
        if first is None:
            return InstancePage([], None)
        found = [each.state() for each in self._store.instances.page(query, first, query.top + 1)]
        if may_match(query):
            created = _time_range(query.created_from, query.created_to)
            entities = self._store.entities.page(first, query.instance_id_prefix, query.top + 1, *created)
            found.extend(as_instance(entity) for entity in entities)
            found.sort(key=lambda instance: instance.instance_id)
        more = encode_continuation(found[query.top].instance_id) if len(found) > query.top else None
        return InstancePage(found[: query.top], more)

    async def history(self, instance_id: str) -> Sequence[Mapping[str, Any]]:
        """The raw history events of the current execution; empty for an unknown instance."""
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
            raise InvalidOperationError(_refusal("suspend", instance_id, RuntimeStatus.SUSPENDED))
        self._send(instance_id, EventType.EXECUTION_SUSPENDED, Reason=reason)

    async def resume(self, instance_id: str, reason: str) -> None:
        status = self._running(instance_id).status
        if status is not RuntimeStatus.SUSPENDED:
            raise InvalidOperationError(_refusal("resume", instance_id, status))
        self._send(instance_id, EventType.EXECUTION_RESUMED, Reason=reason)

    async def rewind(self, instance_id: str, reason: str) -> None:
        instance = self._existing(instance_id)
        if instance.status is not RuntimeStatus.FAILED:
            raise PreconditionError(
                f"This orchestration has status {instance.status}, "
                'but only orchestrations in the "Failed" state can be rewound.'
            )
        with self._dispatcher.transaction() as tx:
            tx.rewritten.extend(rewind_instance(tx, instance, reason))

    async def restart(
        self, instance_id: str, new_instance_id: str | None = None, version: str | None = None
    ) -> str:
        """Starts the same orchestrator with the same input. A ``new_instance_id`` of None means a generated one.

        Raises ArgumentError, OrchestrationAlreadyExistsError.
        """
        instance = self._store.instances.find(instance_id)
        if instance is None:
            raise ArgumentError(f"No instance with ID '{instance_id}' was found. (Parameter 'instanceId')")
        if problem := self._dispatcher.known.orchestrators.problem_with(instance.name):
            raise ArgumentError(problem)
        wanted_version = instance.version if version is None else version
        # durable-functions behaviour: without an input, the input of the new instance is the JSON value null.
        return await self.start(instance.name, instance.input or "null", new_instance_id, wanted_version)

    async def purge(self, instance_id: str) -> bool:
        """Deletes an entity, or an orchestration that has ended; False if there is none. Raises PreconditionError."""
        if entity := self._find_entity(instance_id):
            with self._dispatcher.transaction() as tx:
                tx.store.entities.delete(EntityId(entity.name, entity.key))
            return True
        instance = self._store.instances.find(instance_id)
        if instance is None:
            return False
        if not instance.status.is_terminal:
            raise PreconditionError(
                "Only orchestrations in a terminal state can be purged, "
                f"but the orchestration with instance ID {instance_id} has status {instance.status}"
            )
        with self._dispatcher.transaction() as tx:
            forget_instance(tx, instance_id)
            tx.rewritten.append(instance_id)
        return True

    async def purge_by(self, query: InstanceQuery) -> int:
        """Deletes matching instances that have ended, and returns their number. Paging fields are ignored."""
        ended = frozenset(status for status in RuntimeStatus if status.is_terminal)
        wanted = query.statuses & ended if query.statuses else ended
        if not wanted:
            return 0
        ended_instances = replace(query, statuses=wanted)
        purged = 0
        while found := self._store.instances.page(ended_instances, "", _PURGED_AT_ONCE):
            with self._dispatcher.transaction() as tx:
                for instance in found:
                    forget_instance(tx, instance.instance_id)
            purged += len(found)
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
        include_deleted: bool = True,
    ) -> tuple[Sequence[EntityState], str | None]:
        first = decode_continuation(continuation)
        if first is None:
            return [], None
        prefix = f"@{name.lower()}@" if name else ""
        times = _time_range(last_operation_from, last_operation_to)
        found = self._store.entities.page(first, prefix, top + 1, *times, include_deleted)
        more = encode_continuation(instance_id_of(found[top])) if len(found) > top else None
        return found[:top], more

    def _find_entity(self, instance_id: str) -> EntityState | None:
        entity = entity_of(instance_id)
        return None if entity is None else self._store.entities.find(entity)

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
    if "/" in instance_id or not instance_id.isprintable():
        raise ArgumentError("Instance IDs must not contain / or control characters.")
    return instance_id


def _refusal(operation: str, instance_id: str, status: RuntimeStatus) -> str:
    return (
        f"Cannot {operation} the orchestration instance {instance_id} "
        f"because instance is in the {status} state."
    )


def _time_range(earliest: datetime | None, latest: datetime | None) -> tuple[str, str]:
    return (
        format_time(earliest or datetime.min.replace(tzinfo=UTC)),
        format_time(latest or datetime.max.replace(tzinfo=UTC)),
    )
