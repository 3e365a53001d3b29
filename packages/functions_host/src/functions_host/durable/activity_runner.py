"""Runs one activity and makes the event that its orchestration receives."""

from functions_host.durable.action_runner import HTTP_ACTIVITY
from functions_host.durable.clock import Clock
from functions_host.durable.events import EventType, HistoryEvent, format_time, history_event, reformatted
from functions_host.durable.failures import activity_failure
from functions_host.durable.http_activity import send_request
from functions_host.durable.known_functions import KnownFunctions
from functions_host.durable.language_worker import InvocationError, Worker
from functions_host.durable.store.work_tables import QueuedActivity
from functions_host.telemetry.trace_context import TraceContext


async def run_activity(
    worker: Worker, known: KnownFunctions, activity: QueuedActivity, trace: TraceContext, clock: Clock
) -> HistoryEvent:
    """The TaskCompleted or TaskFailed event. Only an InvocationError is a failure of the activity."""
    if activity.name != HTTP_ACTIVITY and (problem := known.activities.problem_with(activity.name)):
        return _failed(activity, clock, problem, "")
    try:
        if activity.name == HTTP_ACTIVITY:
            result: str | None = await send_request(activity.input)
        else:
            result = await worker.run_activity(activity.name, activity.input, activity.instance_id, trace)
    except InvocationError as error:
        return _failed(activity, clock, *activity_failure(activity.name, error))
    return history_event(
        EventType.TASK_COMPLETED,
        format_time(clock.now()),
        TaskScheduledId=activity.task_id,
        Result=None if result is None or result == "null" else reformatted(result),
    )


def _failed(activity: QueuedActivity, clock: Clock, reason: str, details: str) -> HistoryEvent:
    return history_event(
        EventType.TASK_FAILED,
        format_time(clock.now()),
        TaskScheduledId=activity.task_id,
        Reason=reason,
        Details=details,
        FailureDetails=None,
    )
