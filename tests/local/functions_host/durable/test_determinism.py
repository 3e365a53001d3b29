"""Changed orchestrator code that meets a running instance is found out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.durable_functions import EntityId

from local.functions_host.durable.contract import RuntimeStatus
from tests.local.functions_host.durable.conftest import Host
from tests.local.functions_host.durable.sdk_worker import output

STEPS = {
    "activity": lambda context: context.call_activity("act", 1),
    "other activity": lambda context: context.call_activity("other", 1),
    "timer": lambda context: context.create_timer(context.current_utc_datetime + timedelta(hours=1)),
    "child": lambda context: context.call_sub_orchestrator("child", None, "kid"),
    "entity": lambda context: context.call_entity(EntityId("thing", "k"), "touch"),
    "event": lambda context: context.wait_for_external_event("e"),
}


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (
            "activity",
            "event",
            "scheduled an activity task with sequence ID 0 and name 'act' (version ''), but the",
        ),
        ("activity", "timer", "instead created a timer with this sequence ID"),
        (
            "activity",
            "other activity",
            "instead scheduled an activity task with this sequence ID and name 'other'",
        ),
        (
            "timer",
            "event",
            "created a timer with sequence ID 0, but the current replay execution hasn't (yet?)",
        ),
        ("child", "activity", "scheduled a sub-orchestration task with sequence ID 0 and name 'child'"),
        ("entity", "activity", "sent an event with sequence ID 0"),
        ("activity", "activity", None),
        ("event", "event", None),
    ],
)
async def test_a_history_that_the_code_does_not_repeat_fails_the_instance(
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
        assert output(state).startswith(
            "Non-Deterministic workflow detected: A previous execution of this orch"
        )
        assert complaint in output(state)
        assert output(state).endswith("after this instance had already started running?")
