"""The trigger value that the SDK receives, event by event, and the history that is kept."""

import json
from datetime import timedelta
from uuid import UUID

from functions_host.durable.events import EventType
from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.durable.conftest import Host

START = "2026-01-01T00:00:00.0000000Z"


async def test_the_first_episode_carries_what_the_extension_sends(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return None

    instance_id = await host.start("orch", {"a": 1}, instance_id="i1")
    await host.ended(instance_id)

    [context] = host.worker.contexts
    started, execution = context.pop("history")
    assert started == {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": START}
    assert UUID(execution["OrchestrationInstance"].pop("ExecutionId"))
    assert TraceContext.parse(execution["ParentTraceContext"]["TraceParent"])
    assert TraceContext.parse(execution["ParentTraceContext"]["Id"])
    assert execution.pop("ParentTraceContext")["ActivityStartTime"] == "2026-01-01T00:00:00+00:00"
    assert execution == {
        "EventType": 0,
        "EventId": -1,
        "IsPlayed": False,
        "Timestamp": START,
        "OrchestrationInstance": {"InstanceId": "i1"},
        "ParentInstance": None,
        "Name": "orch",
        "Version": "1.0",
        "Input": json.dumps(json.dumps({"a": 1})),
        "Tags": None,
        "Correlation": None,
        "ScheduledStartTime": None,
        "Generation": 0,
        "GenerateNewTrace": False,
    }
    assert context == {
        "input": '{"a": 1}',
        "instanceId": "i1",
        "isReplaying": False,
        "parentInstanceId": None,
        "sourceInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 3,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
    }


async def test_a_later_episode_marks_the_events_of_earlier_ones_as_played(host: Host) -> None:
    @host.worker.activity
    def act(number):
        return number

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("act", {"x": 1})

    await host.run("orch")

    context = host.worker.contexts[1]
    kinds = [(EventType(event["EventType"]), event["IsPlayed"]) for event in context["history"]]
    assert context["isReplaying"] is True
    assert kinds == [
        (EventType.ORCHESTRATOR_STARTED, False),
        (EventType.EXECUTION_STARTED, True),
        (EventType.TASK_SCHEDULED, False),
        (EventType.ORCHESTRATOR_COMPLETED, False),
        (EventType.ORCHESTRATOR_STARTED, False),
        (EventType.TASK_COMPLETED, False),
    ]
    assert context["history"][2]["Input"] is None
    assert (context["history"][2]["EventId"], context["history"][5]["TaskScheduledId"]) == (0, 0)


async def test_is_replaying_turns_false_with_the_first_new_event(host: Host) -> None:
    seen: list[list[bool]] = []

    @host.worker.activity
    def act(_):
        return None

    @host.worker.orchestrator
    def orch(context):
        flags: list[bool] = [context.is_replaying]
        seen.append(flags)
        for _ in range(2):
            yield context.call_activity("act", None)
            flags.append(context.is_replaying)

    await host.run("orch")

    assert seen == [[False], [True, False], [True, True, False]]


async def test_the_whole_history_of_a_run_in_order(host: Host) -> None:
    @host.worker.activity
    def act(_):
        return "x"

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("act", None)
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        return "done"

    state = await host.run("orch")
    history = await host.hub.history(state.instance_id)

    assert await host.kinds(state.instance_id) == [
        EventType.ORCHESTRATOR_STARTED,
        EventType.EXECUTION_STARTED,
        EventType.TASK_SCHEDULED,
        EventType.ORCHESTRATOR_COMPLETED,
        EventType.ORCHESTRATOR_STARTED,
        EventType.TASK_COMPLETED,
        EventType.TIMER_CREATED,
        EventType.ORCHESTRATOR_COMPLETED,
        EventType.ORCHESTRATOR_STARTED,
        EventType.TIMER_FIRED,
        EventType.EXECUTION_COMPLETED,
        EventType.ORCHESTRATOR_COMPLETED,
    ]
    assert history[6]["FireAt"] == history[9]["FireAt"] == "2026-01-01T01:00:00.0000000Z"
    assert history[8]["Timestamp"] == "2026-01-01T01:00:00.0000000Z"
    assert (history[10]["OrchestrationStatus"], history[10]["Result"], history[10]["EventId"]) == (
        1,
        '"done"',
        2,
    )


async def test_a_history_read_back_from_the_file_gives_the_same_message(host: Host) -> None:
    @host.worker.activity
    def act(_):
        return "ä\u2028"

    @host.worker.orchestrator
    def orch(context):
        got = yield context.call_activity("act", "ü")
        yield context.wait_for_external_event("go")
        return got

    instance_id = await host.start("orch")
    await host.until_idle()
    before = host.worker.contexts[-1]["history"]
    await host.stop()
    await host.raise_event(instance_id, "go")
    await host.ended(instance_id)

    after = host.worker.contexts[-1]["history"]
    heard = (EventType.EXECUTION_STARTED, EventType.TASK_COMPLETED)
    replayed = [{**event, "IsPlayed": event["EventType"] in heard} for event in before]
    assert after[: len(before)] == replayed
