"""What the engine must do after an episode. Each decision has the sequence id that later replays expect.

``recorded_name`` is the name in the history, which a replay compares; ``dotnet_type`` is the name of the decision in
the messages of the extension.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from functions_host.durable.events import (
    EventType,
    HistoryEvent,
    compact_json,
    extension_type,
    format_time,
    history_event,
    offset_time,
)
from functions_host.durable.message_labels import MessageLabel
from functions_host.telemetry.event_traces import scheduling_trace
from functions_host.telemetry.trace_context import TraceContext


@dataclass(frozen=True, slots=True)
class EntityId:
    """``name`` is lower case: entity names are case-insensitive, keys are not."""

    name: str
    key: str

    @classmethod
    def parse(cls, instance_id: str) -> Self:
        """From the form ``@name@key``."""
        _, name, key = instance_id.split("@", 2)
        return cls(name.lower(), key)

    def __str__(self) -> str:
        return f"@{self.name}@{self.key}"


@dataclass(frozen=True, slots=True)
class ScheduleActivity:
    """``input`` is the JSON text that the activity's trigger receives."""

    id: int
    name: str
    input: str
    dotnet_type: ClassVar[str] = "ScheduleTaskOrchestratorAction"

    @property
    def recorded_name(self) -> str:
        return self.name

    def to_event(self, at: str, trace: TraceContext) -> HistoryEvent:
        """``trace`` is the span that waits for the result.

        durable-functions behaviour: the history does not keep the inputs of activities and sub-orchestrations.
        """
        return history_event(
            EventType.TASK_SCHEDULED,
            at,
            self.id,
            Name=self.name,
            Version="",
            Input=None,
            ParentTraceContext=scheduling_trace(trace),
            Tags=None,
        )


@dataclass(frozen=True, slots=True)
class CreateTimer:
    """A cancelled timer is in the history but never fires."""

    id: int
    fire_at: datetime
    cancelled: bool = False
    dotnet_type: ClassVar[str] = "CreateTimerOrchestratorAction"

    @property
    def recorded_name(self) -> str:
        return ""

    def to_event(self, at: str) -> HistoryEvent:
        return history_event(EventType.TIMER_CREATED, at, self.id, FireAt=format_time(self.fire_at))


@dataclass(frozen=True, slots=True)
class StartSubOrchestration:
    """``input`` is the JSON text of the child's ExecutionStarted event."""

    id: int
    name: str
    version: str
    instance_id: str
    input: str
    dotnet_type: ClassVar[str] = "CreateSubOrchestrationAction"

    @property
    def recorded_name(self) -> str:
        return self.name

    def to_event(self, at: str) -> HistoryEvent:
        return history_event(
            EventType.SUB_ORCHESTRATION_CREATED,
            at,
            self.id,
            Name=self.name,
            Version=self.version,
            InstanceId=self.instance_id,
            Input=None,
        )


@dataclass(frozen=True, slots=True)
class SendToEntity:
    """A call or signal. ``request_id`` is the name of the event that answers a call.

    The entity sorts the messages of this execution by ``label``.
    """

    id: int
    entity: EntityId
    operation: str
    input: str
    is_signal: bool
    request_id: str
    parent_instance_id: str
    parent_execution_id: str
    label: MessageLabel
    dotnet_type: ClassVar[str] = "SendEventOrchestratorAction"

    @property
    def recorded_name(self) -> str:
        return "op"

    def to_event(self, at: str, trace: TraceContext) -> HistoryEvent:
        """``trace`` is the span of the signal, or the caller's own for a call."""
        request = {
            "$type": extension_type("RequestMessage"),
            "op": self.operation,
            **({"signal": True} if self.is_signal else {}),
            "input": self.input,
            "id": self.request_id,
            "parent": self.parent_instance_id,
            "parentExecution": self.parent_execution_id,
            "Timestamp": self.label.timestamp,
            "Predecessor": self.label.predecessor,
            "parentTraceContext": {
                "$type": "DurableTask.Core.Tracing.DistributedTraceContext, DurableTask.Core",
                **scheduling_trace(trace),
            },
            "requestTime": offset_time(at),
        }
        return history_event(
            EventType.EVENT_SENT,
            at,
            self.id,
            InstanceId=str(self.entity),
            Name=self.recorded_name,
            Input=compact_json(request),
        )


Decision = ScheduleActivity | CreateTimer | StartSubOrchestration | SendToEntity
