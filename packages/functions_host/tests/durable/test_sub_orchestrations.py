"""Sub-orchestrations: ids, results, failures, termination of a child."""

import json

import pytest

from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


@pytest.fixture(autouse=True)
def family(host: Host) -> None:
    @host.worker.orchestrator
    def child(context):
        wish = context.get_input()
        if wish == "fail":
            yield context.create_timer(context.current_utc_datetime)
            raise ValueError("not today")
        if wish == "wait":
            yield context.wait_for_external_event("never")
        return [wish, context.parent_instance_id, context.version]

    @host.worker.orchestrator
    def parent(context):
        wish, child_id, version = context.get_input()
        try:
            return (yield context.call_sub_orchestrator("child", wish, child_id, version))
        except Exception as error:
            return str(error)


async def test_a_child_gets_input_parent_and_version_and_answers(host: Host) -> None:
    state = await host.run("parent", ["x", None, None])

    assert output(state) == ["x", state.instance_id, "1.0"]
    assert output(await host.run("parent", ["x", None, "7"]))[2] == "7"


async def test_the_default_id_is_the_parents_execution_and_the_sequence_id(host: Host) -> None:
    state = await host.run("parent", ["x", None, None])
    history = await host.hub.history(state.instance_id)
    execution_id = history[1]["OrchestrationInstance"]["ExecutionId"]
    [created] = [event for event in history if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED]

    assert created["InstanceId"] == f"{execution_id}:0"
    assert (await host.hub.history(created["InstanceId"]))[1]["ParentInstance"] == {
        "Name": "parent",
        "Version": "1.0",
        "OrchestrationInstance": {"InstanceId": state.instance_id, "ExecutionId": execution_id},
        "TaskScheduleId": 0,
    }


async def test_a_failed_child_is_raised_with_its_own_text(host: Host) -> None:
    failure = "Orchestrator function 'child' failed: not today"

    assert output(await host.run("parent", ["fail", None, None])) == (
        f"{failure} \n Message: not today, StackTrace:    at functions_host.durable"
    )


async def test_a_terminated_child_is_a_failure_with_the_reason(host: Host) -> None:
    instance_id = await host.start("parent", ["wait", "kid", None])
    await host.until_idle()
    await host.hub.terminate("kid", "enough")

    assert output(await host.ended(instance_id)) == "enough \n None"


@pytest.mark.parametrize("child_id", ["me", "@me"])
async def test_a_child_must_not_have_the_id_of_its_parent_or_of_an_entity(host: Host, child_id: str) -> None:
    state = await host.run("parent", ["x", child_id, None], instance_id="me")

    assert state.runtime_status == RuntimeStatus.FAILED
    assert output(state).startswith("Orchestrator function 'parent' failed: ")


async def test_a_child_id_that_is_running_fails_and_one_that_has_ended_is_replaced(host: Host) -> None:
    await host.start("child", "wait", instance_id="kid")
    await host.until_idle()
    assert "already exists" in output(await host.run("parent", ["x", "kid", None]))
    await host.hub.terminate("kid", "")
    await host.ended("kid")

    assert output(await host.run("parent", ["x", "kid", None]))[0] == "x"
    state = await host.hub.get("kid")
    assert state is not None
    assert json.loads(state.input or "") == '"x"'


async def test_many_children_at_once(host: Host) -> None:
    @host.worker.orchestrator
    def crowd(context):
        answers = yield context.task_all([context.call_sub_orchestrator("child", n) for n in range(25)])
        return [answer[0] for answer in answers]

    assert output(await host.run("crowd")) == list(range(25))


async def test_the_answer_of_a_child_to_an_earlier_execution_is_ignored(host: Host) -> None:
    @host.worker.orchestrator
    def impatient(context):
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("end"))
        yield context.task_any(
            [context.call_sub_orchestrator("child", "wait", "slow"), context.wait_for_external_event("go")]
        )
        return "over"

    instance_id = await host.start("impatient", 1)
    await host.until_idle()
    await host.hub.terminate(instance_id, "")
    await host.ended(instance_id)
    await host.hub.purge(instance_id)
    await host.start("impatient", 2, instance_id=instance_id)
    await host.until_idle()
    await host.raise_event("slow", "never")
    await host.until_idle()
    assert EventType.SUB_ORCHESTRATION_COMPLETED not in await host.kinds(instance_id)
    await host.raise_event(instance_id, "end", "clean")

    assert output(await host.ended(instance_id)) == "clean"
