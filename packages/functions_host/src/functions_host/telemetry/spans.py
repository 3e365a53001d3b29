"""The spans of durable work, with the names and attributes that the durable extension and its engine use.

A failed span has the reason of the failure, here cut to one line. Inputs and outputs are not exported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

from functions_host.durable.decisions import EntityId
from functions_host.durable.store.entity_tables import Operation
from functions_host.durable.store.instance_tables import Instance
from functions_host.durable.store.work_tables import DueTimer, QueuedActivity
from functions_host.telemetry.trace_context import OpenSpan, TraceContext

_LONGEST_DESCRIPTION = 200


class SpanKind(StrEnum):
    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has ended. Times are formatted texts. ``error`` is the reason of a failure, else None."""

    name: str
    kind: SpanKind
    context: TraceContext
    parent_id: str
    started_at: str
    ended_at: str
    attributes: Mapping[str, str | int]
    error: str | None = None

    @classmethod
    def of(
        cls,
        opened: OpenSpan,
        name: str,
        kind: SpanKind,
        ended_at: str,
        attributes: Mapping[str, str | int],
        error: str | None = None,
    ) -> Self:
        described = None if error is None else error.partition("\n")[0][:_LONGEST_DESCRIPTION]
        # The clock may have been set back during the work.
        started_at = min(opened.started_at or ended_at, ended_at)
        return cls(name, kind, opened.context, opened.parent_id, started_at, ended_at, attributes, described)


class SpanSink(Protocol):
    """Receives spans on the thread of the event loop; ``emit`` must not block."""

    def emit(self, span: Span) -> None: ...


def orchestration_created(instance: Instance, opened: OpenSpan, ended_at: str) -> Span:
    name = f"create_orchestration:{instance.name}" + (f"@{instance.version}" if instance.version else "")
    attributes = _orchestration(instance) | {"durabletask.task.execution_id": instance.execution_id}
    return Span.of(opened, name, SpanKind.PRODUCER, ended_at, attributes)


def orchestration_ended(instance: Instance, ended_at: str, error: str | None) -> Span:
    attributes = _orchestration(instance) | {"durabletask.task.status": instance.status.value}
    return Span.of(instance.span, _orchestration_name(instance), SpanKind.SERVER, ended_at, attributes, error)


def sub_orchestration_ended(
    instance: Instance, parent_id: str, opened: OpenSpan, ended_at: str, error: str | None
) -> Span:
    """The wait of the orchestration ``parent_id`` for its child."""
    attributes = _orchestration(instance) | {"durabletask.task.instance_id": parent_id}
    return Span.of(opened, _orchestration_name(instance), SpanKind.CLIENT, ended_at, attributes, error)


def activity_ran(activity: QueuedActivity, opened: OpenSpan, ended_at: str, error: str | None) -> Span:
    return Span.of(opened, f"activity:{activity.name}", SpanKind.SERVER, ended_at, _activity(activity), error)


def activity_ended(activity: QueuedActivity, ended_at: str, error: str | None) -> Span:
    """From the decision to run the activity until its result."""
    name = f"activity:{activity.name}"
    return Span.of(activity.span, name, SpanKind.CLIENT, ended_at, _activity(activity), error)


def timer_fired(instance: Instance, timer: DueTimer, ended_at: str) -> Span:
    opened = OpenSpan.below(instance.span.context, timer.created_at)
    attributes: dict[str, str | int] = {
        "durabletask.type": "timer",
        "durabletask.task.name": instance.name,
        "durabletask.task.instance_id": instance.instance_id,
        "durabletask.fire_at": timer.fire_at,
        "durabletask.task.task_id": timer.timer_id,
    }
    return Span.of(opened, f"orchestration:{instance.name}:timer", SpanKind.INTERNAL, ended_at, attributes)


def entity_asked(
    entity: EntityId, operation: Operation, opened: OpenSpan, ended_at: str, error: str | None = None
) -> Span:
    """The sender's side: a call ends with its answer, a signal when it has been sent."""
    attributes = _entity(operation) | {"durabletask.event.target_instance_id": str(entity)}
    if operation.caller is not None:
        attributes["durabletask.task.instance_id"] = operation.caller.instance_id
    kind = SpanKind.PRODUCER if operation.caller is None else SpanKind.CLIENT
    return Span.of(opened, _entity_name(entity, operation), kind, ended_at, attributes, error)


def entity_ran(
    entity: EntityId, operation: Operation, opened: OpenSpan, ended_at: str, error: str | None
) -> Span:
    attributes = _entity(operation) | {"durabletask.task.instance_id": str(entity)}
    kind = SpanKind.CONSUMER if operation.caller is None else SpanKind.SERVER
    return Span.of(opened, _entity_name(entity, operation), kind, ended_at, attributes, error)


def _orchestration_name(instance: Instance) -> str:
    return f"orchestration:{instance.name}" + (f"@({instance.version})" if instance.version else "")


def _orchestration(instance: Instance) -> dict[str, str | int]:
    return {
        "durabletask.type": "orchestration",
        "durabletask.task.name": instance.name,
        "durabletask.task.instance_id": instance.instance_id,
        **({"durabletask.task.version": instance.version} if instance.version else {}),
    }


def _activity(activity: QueuedActivity) -> dict[str, str | int]:
    return {
        "durabletask.type": "activity",
        "durabletask.task.name": activity.name,
        "durabletask.task.instance_id": activity.instance_id,
        "durabletask.task.task_id": activity.task_id,
    }


def _entity_name(entity: EntityId, operation: Operation) -> str:
    return f"entity:{entity.name}:{operation.name}"


def _entity(operation: Operation) -> dict[str, str | int]:
    asked = "signal_entity" if operation.caller is None else "call_entity"
    return {"durabletask.type": "entity", "durabletask.task.operation": asked}
