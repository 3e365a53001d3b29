"""History events, as the Python SDK receives them: dictionaries with PascalCase keys.

An event always has this form: the SDK, the status query and the store need it.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

HistoryEvent = dict[str, Any]


class EventType(IntEnum):
    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    GENERIC = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


# The values of OrchestrationStatus in ExecutionCompleted events.
COMPLETED, FAILED, TERMINATED = 1, 3, 5


def format_time(moment: datetime) -> str:
    """UTC with seven fraction digits, as .NET writes it. Texts of this form sort by time."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}0Z"


def offset_time(text: str) -> str:
    """A formatted time as .NET writes a DateTimeOffset: ``+00:00``, and no zeros at the end of the fraction."""
    return f"{text.removesuffix('Z').rstrip('0').rstrip('.')}+00:00"


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def history_event(kind: EventType, at: str, event_id: int = -1, **fields: Any) -> HistoryEvent:
    """``at`` is the formatted time of the event; ``event_id`` is the sequence id of a decision, else -1."""
    return {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": at, **fields}


def compact_json(value: Any) -> str:
    """JSON without blanks. Non-ASCII is escaped, since half a surrogate pair has no UTF-8 form to store."""
    return json.dumps(value, separators=(",", ":"))


def extension_type(name: str) -> str:
    """The name of a .NET type of the extension, as its messages give it."""
    namespace = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
    return f"{namespace}.{name}, {namespace}"


def reformatted(text: str) -> str:
    """The same JSON without blanks, as the extension stores what functions and callers send."""
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def join_events(events: Iterable[HistoryEvent]) -> str:
    """The events as the inside of a JSON array."""
    return ",".join(json.dumps(event) for event in events)


def event_raised(at: str, name: str, input_text: str) -> HistoryEvent:
    """``input_text`` is JSON. The event has no trace: it belongs to the task that waits for it."""
    return history_event(EventType.EVENT_RAISED, at, Name=name, Input=input_text, ParentTraceContext=None)


def as_played(events: Iterable[HistoryEvent]) -> list[HistoryEvent]:
    """The new events of an episode, as later episodes receive them.

    durable-functions behaviour: OrchestratorStarted is never marked as played, nor is what the episode itself
    adds to the history.
    """
    return [
        event if event["EventType"] == EventType.ORCHESTRATOR_STARTED else {**event, "IsPlayed": True}
        for event in events
    ]
