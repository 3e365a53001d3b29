"""What an episode asks the engine to do, each with the sequence id that the SDK will look for later."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from .events import EventType, HistoryEvent, format_time, history_event


@dataclass(frozen=True, slots=True)
class EntityId:
    """``name`` is lower case: entity names ignore case, keys do not."""

    name: str
    key: str

    @classmethod
    def parse(cls, instance_id: str) -> EntityId:
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
    described: ClassVar[str] = "scheduled an activity task"

    def to_event(self, at: str) -> HistoryEvent:
        return history_event(
            EventType.TASK_SCHEDULED, at, self.id, Name=self.name, Version="", Input=json.dumps([self.input])
        )


@dataclass(frozen=True, slots=True)
class CreateTimer:
    """A cancelled timer leaves its trace in the history but never fires."""

    id: int
    fire_at: datetime
    cancelled: bool = False
    described: ClassVar[str] = "created a timer"

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
    described: ClassVar[str] = "scheduled a sub-orchestration task"

    def to_event(self, at: str) -> HistoryEvent:
        return history_event(
            EventType.SUB_ORCHESTRATION_CREATED,
            at,
            self.id,
            Name=self.name,
            Version=self.version,
            InstanceId=self.instance_id,
            Input=self.input,
        )


@dataclass(frozen=True, slots=True)
class SendToEntity:
    """A call or signal. ``request_id`` is the name of the event that answers a call."""

    id: int
    entity: EntityId
    operation: str
    input: str
    is_signal: bool
    request_id: str
    parent_instance_id: str
    parent_execution_id: str
    described: ClassVar[str] = "sent an event"

    def to_event(self, at: str) -> HistoryEvent:
        request = {
            "op": self.operation,
            "signal": self.is_signal,
            "input": self.input,
            "id": self.request_id,
            "parent": self.parent_instance_id,
            "parentExecution": self.parent_execution_id,
        }
        return history_event(
            EventType.EVENT_SENT,
            at,
            self.id,
            InstanceId=str(self.entity),
            Name="op",
            Input=json.dumps(request),
        )


Decision = ScheduleActivity | CreateTimer | StartSubOrchestration | SendToEntity
