"""The extension's messages for a history that differs from what the orchestrator scheduled in its replay."""

from functions_host.durable.events import EventType, HistoryEvent

_SINCE = "Was a change made to the orchestrator code after this instance had already started running?"


class NonDeterministicOrchestrationError(Exception):
    """``problem`` is the part of the message that says what differs."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"Non-Deterministic workflow detected: A previous execution of this orchestration {problem}"
        )


def not_scheduled(event: HistoryEvent) -> str:
    """The code scheduled nothing with the sequence id of ``event``."""
    return f"{_recorded_action(event)}but the current replay execution hasn't (yet?) scheduled this task. {_SINCE}"


def scheduled_as_another_kind(event: HistoryEvent, dotnet_type: str) -> str:
    """The code scheduled another kind of action with the sequence id of ``event``."""
    now = "but the current orchestration replay instead"
    match event["EventType"]:
        case EventType.TASK_SCHEDULED:
            return f"{_activity(event)}, {now} produced a {dotnet_type} action with this sequence number. {_SINCE}"
        case EventType.TIMER_CREATED:
            return f"{_timer(event)} named {now} produced a {dotnet_type} action with this sequence number. {_SINCE}"
        case EventType.SUB_ORCHESTRATION_CREATED:
            return f"{_recorded_action(event)}{now} produced a {dotnet_type} action at this sequence number. {_SINCE}"
    return f"{_recorded_action(event)}{now} scheduled a {dotnet_type} task at this sequence number. {_SINCE}"


def scheduled_under_another_name(event: HistoryEvent, name: str) -> str:
    """The code scheduled the same kind of action, with another name, with the sequence id of ``event``."""
    now = "but the current orchestration replay instead scheduled"
    if event["EventType"] == EventType.TASK_SCHEDULED:
        return (
            f"{_activity(event)}, {now} an activity task named '{name}' with this sequence number.  {_SINCE}"
        )
    recorded = _recorded_action(event)
    return f"{recorded}{now} a sub-orchestration task with name {name} at this sequence number. {_SINCE}"


def _recorded_action(event: HistoryEvent) -> str:
    number, name, version = event["EventId"], event.get("Name"), event.get("Version")
    match event["EventType"]:
        case EventType.TASK_SCHEDULED:
            return f"scheduled an activity task with sequence ID {number} and name '{name}' (version '{version}'), "
        case EventType.TIMER_CREATED:
            return f"{_timer(event)} "
        case EventType.SUB_ORCHESTRATION_CREATED:
            return (
                f"scheduled a sub-orchestration task with sequence ID {number} and name '{name}' "
                f"(version '{version}', instance ID '{event['InstanceId']}'), "
            )
    return (
        f"scheduled a send event task with sequence ID {number}, type 'EventSent', name '{name}', "
        f"instance ID '{event['InstanceId']}', "
    )


def _activity(event: HistoryEvent) -> str:
    return f"scheduled an activity task with sequence number {event['EventId']} named '{event['Name']}'"


def _timer(event: HistoryEvent) -> str:
    return f"scheduled a timer task with sequence number {event['EventId']}"
