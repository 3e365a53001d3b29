"""A change of the orchestrator code during the run of an instance is detected."""

from datetime import timedelta

import pytest
from azure.durable_functions import EntityId

from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

STEPS = {
    "activity": lambda context: context.call_activity("act", 1),
    "other activity": lambda context: context.call_activity("other", 1),
    "timer": lambda context: context.create_timer(context.current_utc_datetime + timedelta(hours=1)),
    "child": lambda context: context.call_sub_orchestrator("child", None, "kid"),
    "other child": lambda context: context.call_sub_orchestrator("orch", None, "kid"),
    "entity": lambda context: context.call_entity(EntityId("thing", "k"), "touch"),
    "event": lambda context: context.wait_for_external_event("e"),
}


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (
            "activity",
            "event",
            "scheduled an activity task with sequence ID 0 and name 'act' (version ''), but the current replay "
            "execution hasn't (yet?) scheduled this task.",
        ),
        (
            "activity",
            "timer",
            "scheduled an activity task with sequence number 0 named 'act', but the current orchestration replay "
            "instead produced a CreateTimerOrchestratorAction action with this sequence number.",
        ),
        (
            "activity",
            "other activity",
            "scheduled an activity task with sequence number 0 named 'act', but the current orchestration replay "
            "instead scheduled an activity task named 'other' with this sequence number. ",
        ),
        (
            "timer",
            "event",
            "scheduled a timer task with sequence number 0 but the current replay execution hasn't (yet?) "
            "scheduled this task.",
        ),
        (
            "timer",
            "activity",
            "scheduled a timer task with sequence number 0 named but the current orchestration replay instead "
            "produced a ScheduleTaskOrchestratorAction action with this sequence number.",
        ),
        (
            "child",
            "event",
            "scheduled a sub-orchestration task with sequence ID 0 and name 'child' (version '1.0', instance ID "
            "'kid'), but the current replay execution hasn't (yet?) scheduled this task.",
        ),
        (
            "child",
            "activity",
            "scheduled a sub-orchestration task with sequence ID 0 and name 'child' (version '1.0', instance ID "
            "'kid'), but the current orchestration replay instead produced a ScheduleTaskOrchestratorAction "
            "action at this sequence number.",
        ),
        (
            "child",
            "other child",
            "scheduled a sub-orchestration task with sequence ID 0 and name 'child' (version '1.0', instance ID "
            "'kid'), but the current orchestration replay instead scheduled a sub-orchestration task with name "
            "orch at this sequence number.",
        ),
        (
            "entity",
            "event",
            "scheduled a send event task with sequence ID 0, type 'EventSent', name 'op', instance ID "
            "'@thing@k', but the current replay execution hasn't (yet?) scheduled this task.",
        ),
        (
            "entity",
            "activity",
            "scheduled a send event task with sequence ID 0, type 'EventSent', name 'op', instance ID "
            "'@thing@k', but the current orchestration replay instead scheduled a "
            "ScheduleTaskOrchestratorAction task at this sequence number.",
        ),
        ("activity", "activity", None),
        ("event", "event", None),
    ],
)
async def test_an_instance_fails_if_its_code_does_not_match_the_history(
    host: Host, before: str, after: str, complaint: str | None
) -> None:
    step = before

    @host.worker.activity
    def act(_):
        return None

    @host.worker.activity
    def other(_):
        return None

    @host.worker.entity
    def thing(_):
        return None

    @host.worker.orchestrator
    def child(context):
        yield context.wait_for_external_event("never")

    @host.worker.orchestrator
    def orch(context):
        yield STEPS[step](context)
        yield context.wait_for_external_event("e")

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        step = after
        await host.raise_event(instance_id, "e")
        await host.until_idle()
    state = await host.hub.get(instance_id)

    assert state is not None
    if complaint is None:
        assert state.runtime_status != RuntimeStatus.FAILED
    else:
        assert state.runtime_status == RuntimeStatus.FAILED
        assert output(state) == (
            f"Non-Deterministic workflow detected: A previous execution of this orchestration {complaint} Was a "
            "change made to the orchestrator code after this instance had already started running?"
        )


async def test_a_new_action_that_does_not_match_is_scheduled_although_the_instance_fails(host: Host) -> None:
    """The extension does the same. The history then has the same sequence id twice."""
    ran: list[str] = []

    @host.worker.activity
    def before(_):
        ran.append("before")

    @host.worker.activity
    def after(_):
        ran.append("after")

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("after" if ran else "before", 1)

    state = await host.run("orch")
    await host.until_idle()

    assert state.runtime_status == RuntimeStatus.FAILED
    assert ran == ["before", "after"]
    history = await host.hub.history(state.instance_id)
    scheduled = [event for event in history if event["EventType"] == EventType.TASK_SCHEDULED]
    assert [(event["EventId"], event["Name"]) for event in scheduled] == [(0, "before"), (0, "after")]
    assert history[-2]["OrchestrationStatus"] == 3
