"""The answer to a status query: the state of an instance, and its history in a form for people."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from functions_host.durable.errors import ArgumentError
from functions_host.durable.events import offset_time
from functions_host.durable.states import InstanceState

_EVENT_TYPES = (
    "ExecutionStarted",
    "ExecutionCompleted",
    "ExecutionFailed",
    "ExecutionTerminated",
    "TaskScheduled",
    "TaskCompleted",
    "TaskFailed",
    "SubOrchestrationInstanceCreated",
    "SubOrchestrationInstanceCompleted",
    "SubOrchestrationInstanceFailed",
    "TimerCreated",
    "TimerFired",
    "OrchestratorStarted",
    "OrchestratorCompleted",
    "EventSent",
    "EventRaised",
    "ContinueAsNew",
    "GenericEvent",
    "HistoryState",
    "ExecutionSuspended",
    "ExecutionResumed",
    "ExecutionRewound",
)
_ORCHESTRATION_STATUSES = (
    "Running",
    "Completed",
    "ContinuedAsNew",
    "Failed",
    "Canceled",
    "Terminated",
    "Pending",
    "Suspended",
)
_NOT_SHOWN = frozenset({"OrchestratorStarted", "OrchestratorCompleted"})
_SCHEDULED_BY = {
    "TaskCompleted": "TaskScheduled",
    "TaskFailed": "TaskScheduled",
    "SubOrchestrationInstanceCompleted": "SubOrchestrationInstanceCreated",
    "SubOrchestrationInstanceFailed": "SubOrchestrationInstanceCreated",
}
_BOOKKEEPING: Mapping[str, tuple[str, ...]] = {
    "ExecutionStarted": ("Name", "OrchestrationInstance", "ParentInstance", "Version", "Tags"),
    "TaskScheduled": ("Version",),
    "SubOrchestrationInstanceCreated": ("Version",),
    "TimerFired": ("TimerId",),
}


def status_payload(state: InstanceState, show_input: bool = True) -> dict[str, Any]:
    """The JSON object of a status query, times as ``yyyy-MM-ddTHH:mm:ssZ``."""
    return {
        "name": state.name,
        **({"version": state.version} if state.version else {}),
        "instanceId": state.instance_id,
        "runtimeStatus": state.runtime_status.value,
        "input": parsed(state.input) if show_input else None,
        "customStatus": parsed(state.custom_status),
        "output": parsed(state.output),
        "createdTime": _whole_seconds(state.created_at),
        "lastUpdatedTime": _whole_seconds(state.updated_at),
    }


def history_payload(
    events: Sequence[Mapping[str, Any]], show_output: bool, show_input: bool
) -> list[dict[str, Any]]:
    """The ``historyEvents`` of a status query, from the stored events.

    durable-functions behaviour: a schedule event is merged into its completion, which then has its time, name and
    input; one without a completion stays. A history in which two schedule events have the same id cannot be shown:
    raises ArgumentError. A non-deterministic replay leaves such a history.
    """
    shown: dict[int, dict[str, Any]] = {}
    scheduled: dict[tuple[str, int], int] = {}
    for position, event in enumerate(events):
        kind = _EVENT_TYPES[event["EventType"]]
        if kind in _NOT_SHOWN:
            continue
        if kind in _SCHEDULED_BY.values():
            key = kind, event["EventId"]
            if key in scheduled:
                raise ArgumentError(
                    f"An item with the same key has already been added. Key: {key[0]}_{key[1]}"
                )
            scheduled[key] = position
        item = _shown_event(kind, event, show_output, show_input)
        schedule_position = scheduled.get((_SCHEDULED_BY.get(kind, ""), event.get("TaskScheduledId", -1)))
        if schedule_position is not None:
            shown.pop(schedule_position, None)
            item.update(_of_schedule(events[schedule_position], show_input))
        shown[position] = item
    return list(shown.values())


def _of_schedule(schedule: Mapping[str, Any], show_input: bool) -> dict[str, Any]:
    return {
        "ScheduledTime": offset_time(schedule["Timestamp"]),
        "FunctionName": schedule["Name"],
        **({"InstanceId": schedule["InstanceId"]} if "InstanceId" in schedule else {}),
        **({"Input": schedule["Input"]} if show_input else {}),
    }


def parsed(text: str | None) -> Any:
    """JSON text as a value; text that is not JSON, such as the reason of a termination, unchanged."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shown_event(kind: str, event: Mapping[str, Any], show_output: bool, show_input: bool) -> dict[str, Any]:
    dropped = {"EventId", "IsPlayed", *_BOOKKEEPING.get(kind, ())}
    if kind in _SCHEDULED_BY:
        dropped.add("TaskScheduledId")
    if not show_input:
        dropped.add("Input")
    if not show_output:
        dropped.add("Result")
    item = {name: value for name, value in event.items() if name not in dropped}
    item["EventType"] = kind
    if "Result" in item:
        item["Result"] = parsed(item["Result"])
    if kind == "ExecutionStarted":
        item["FunctionName"] = event["Name"]
    if kind == "ExecutionCompleted":
        item["OrchestrationStatus"] = _ORCHESTRATION_STATUSES[event["OrchestrationStatus"]]
    return item


def _whole_seconds(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
