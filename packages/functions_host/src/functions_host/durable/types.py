"""What the durable engine offers to the HTTP surface, and what it needs from the language worker.

JSON that belongs to the app travels through the engine as text, so that nothing re-encodes it on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from functions_host.telemetry.trace_context import TraceContext


class RuntimeStatus(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"
    CANCELED = "Canceled"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset(
    {RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.TERMINATED, RuntimeStatus.CANCELED}
)


@dataclass(frozen=True, slots=True)
class InstanceState:
    """One orchestration instance as the status query sees it.

    ``input``, ``output`` and ``custom_status`` are JSON text. Only entities have no ``version``.
    """

    instance_id: str
    name: str
    version: str | None
    runtime_status: RuntimeStatus
    created_at: datetime
    updated_at: datetime
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[RuntimeStatus] = frozenset()
    instance_id_prefix: str = ""
    top: int = 100
    continuation: str | None = None


@dataclass(frozen=True, slots=True)
class InstancePage:
    """``continuation`` is None on the last page."""

    instances: Sequence[InstanceState]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class EntityState:
    """``state`` is JSON text, None while the entity does not exist."""

    name: str
    key: str
    state: str | None
    last_operation_at: datetime

    @property
    def exists(self) -> bool:
        """False for one that has deleted itself, and for one whose operations have all failed."""
        return self.state is not None


@dataclass(frozen=True, slots=True)
class HubOptions:
    """The part of host.json ``extensions.durableTask`` that the engine obeys.

    Messages that a killed host had taken stay invisible for the two visibility time-outs: those to orchestrations
    and entities for the first, activities for the second.
    """

    hub_name: str = "TestHubName"
    default_version: str = ""
    max_concurrent_activities: int = 20
    max_concurrent_orchestrators: int = 20
    overridable_states: str = "NonRunningStates"
    control_queue_visibility: timedelta = timedelta(minutes=5)
    work_item_queue_visibility: timedelta = timedelta(minutes=5)


class Clock(Protocol):
    """Time as the engine sees it: aware UTC, and a wait that a virtual clock can shorten."""

    def now(self) -> datetime: ...

    async def sleep_until(self, due: datetime) -> None: ...

    def working(self) -> AbstractContextManager[None]:
        """Held by whoever has work in hand: a virtual clock stands still meanwhile."""
        ...


class Worker(Protocol):
    """The language worker.

    Names are durable names (decorator argument, else function name), matched without case.

    Each call takes and returns the JSON text that crosses the process border in production, and raises
    ``InvocationError`` when the user function (or its binding conversion) fails. ``trace`` is the span that the
    function runs in.
    """

    @property
    def orchestrators(self) -> Collection[str]: ...

    @property
    def activities(self) -> Collection[str]: ...

    @property
    def entities(self) -> Collection[str]: ...

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str: ...

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None: ...

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str: ...


class InvocationError(Exception):
    """A user function failed. ``message`` is ``"{TypeName}: {text}"`` as the worker reports it."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack


class ArgumentError(Exception):
    """A caller's argument is wrong (.NET's ArgumentException: HTTP 400)."""


class InvalidOperationError(Exception):
    """The instance is in no state for this operation (HTTP 500 in the management API)."""


class OrchestrationAlreadyExistsError(InvalidOperationError):
    """``start`` on an instance that has not ended."""


class PreconditionError(Exception):
    """The instance is in no state for this operation (HTTP 412, this text is the body)."""


class InstanceNotFoundError(LookupError):
    """No such instance (HTTP 404)."""


class InstanceGoneError(Exception):
    """The instance has ended (HTTP 410)."""


class TaskHub(Protocol):
    """Everything that the durable client and the management API can ask for."""

    async def start(
        self,
        name: str,
        input_json: str | None,
        instance_id: str | None = None,
        version: str | None = None,
        trace: TraceContext | None = None,
    ) -> str:
        """Returns the instance id; ``trace`` is the caller's span.

        Raises ArgumentError, OrchestrationAlreadyExistsError.
        """
        ...

    async def get(self, instance_id: str) -> InstanceState | None: ...

    async def query(self, query: InstanceQuery) -> InstancePage: ...

    async def history(self, instance_id: str) -> Sequence[Mapping[str, Any]]:
        """The raw history events of the current execution (durable-functions.md 18.2)."""
        ...

    async def raise_event(self, instance_id: str, event_name: str, data_json: str) -> None: ...

    async def terminate(self, instance_id: str, reason: str) -> None: ...

    async def suspend(self, instance_id: str, reason: str) -> None: ...

    async def resume(self, instance_id: str, reason: str) -> None: ...

    async def rewind(self, instance_id: str, reason: str) -> None: ...

    async def restart(
        self, instance_id: str, new_instance_id: str | None = None, version: str | None = None
    ) -> str: ...

    async def purge(self, instance_id: str) -> bool: ...

    async def purge_by(self, query: InstanceQuery) -> int: ...

    async def signal_entity(
        self,
        name: str,
        key: str,
        operation: str,
        input_json: str | None,
        trace: TraceContext | None = None,
    ) -> None: ...

    async def get_entity(self, name: str, key: str) -> EntityState | None: ...

    async def list_entities(
        self,
        name: str | None = None,
        top: int = 100,
        continuation: str | None = None,
        last_operation_from: datetime | None = None,
        last_operation_to: datetime | None = None,
        include_deleted: bool = True,
    ) -> tuple[Sequence[EntityState], str | None]: ...
