"""External events: which wait gets which event, early events, and the payloads of both kinds of sender."""

import json

import pytest

from functions_host.durable.errors import InstanceGoneError, InstanceNotFoundError
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


@pytest.fixture
def waits(host: Host):
    @host.worker.orchestrator
    def waits(context):
        got = []
        if context.get_input() > 1:
            yield context.wait_for_external_event("begin")
        for _ in range(context.get_input()):
            got.append((yield context.wait_for_external_event("e")))
        return got


@pytest.mark.usefixtures("waits")
async def test_an_event_for_a_waiting_orchestration_is_its_result(host: Host) -> None:
    instance_id = await host.start("waits", 1)
    await host.until_idle()
    await host.raise_event(instance_id, "e", {"k": 1})

    assert output(await host.ended(instance_id)) == [{"k": 1}]


@pytest.mark.usefixtures("waits")
async def test_the_python_client_sends_a_string_literal_that_arrives_as_text(host: Host) -> None:
    instance_id = await host.start("waits", 1)
    await host.until_idle()
    await host.hub.raise_event(instance_id, "e", json.dumps(json.dumps({"k": 1})))

    assert output(await host.ended(instance_id)) == ['{"k": 1}']


@pytest.mark.usefixtures("waits")
async def test_events_one_at_a_time_are_not_mixed_up(host: Host) -> None:
    instance_id = await host.start("waits", 3)
    await host.raise_event(instance_id, "begin")
    for number in (1, 2, 3):
        await host.until_idle()
        await host.raise_event(instance_id, "e", number)

    assert output(await host.ended(instance_id)) == [1, 2, 3]


@pytest.mark.usefixtures("waits")
async def test_two_early_events_overwrite_each_other_and_satisfy_every_wait(host: Host) -> None:
    """A defect of SDK 1.7. The host has two events for three waits, so it still waits."""
    instance_id = await host.start("waits", 3)
    await host.until_idle()
    for name, value in (("e", 1), ("e", 2), ("begin", None)):
        await host.raise_event(instance_id, name, value)
    await host.until_idle()
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    await host.raise_event(instance_id, "e", 3)

    assert output(await host.ended(instance_id)) == [2, 2, 2]


@pytest.mark.usefixtures("waits")
async def test_one_early_event_satisfies_two_waits(host: Host) -> None:
    instance_id = await host.start("waits", 2)
    await host.until_idle()
    await host.raise_event(instance_id, "e", 1)
    await host.raise_event(instance_id, "begin")
    await host.until_idle()
    await host.raise_event(instance_id, "e", 2)

    assert output(await host.ended(instance_id)) == [1, 1]


async def test_of_two_waiters_the_last_gets_the_first_event(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        first, second = context.wait_for_external_event("e"), context.wait_for_external_event("e")
        return (yield context.task_all([first, second]))

    instance_id = await host.start("orch")
    await host.until_idle()
    await host.raise_event(instance_id, "e", "one")
    await host.raise_event(instance_id, "e", "two")

    assert output(await host.ended(instance_id)) == ["two", "one"]


async def test_another_spelling_reaches_the_host_but_not_the_sdk(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return (yield context.wait_for_external_event("Go"))

    instance_id = await host.start("orch")
    await host.until_idle()
    await host.raise_event(instance_id, "go", 1)
    await host.until_idle()
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    await host.raise_event(instance_id, "Go", 2)

    assert output(await host.ended(instance_id)) == 2


async def test_events_sent_while_the_host_was_down_wait_for_it(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return (yield context.wait_for_external_event("go"))

    instance_id = await host.start("orch")
    await host.until_idle()
    await host.stop()
    await host.raise_event(instance_id, "go", "late")

    assert output(await host.ended(instance_id)) == "late"


async def test_events_to_an_unknown_or_ended_instance_are_refused(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return None

    with pytest.raises(InstanceNotFoundError):
        await host.raise_event("nobody", "go")
    state = await host.run("orch")
    with pytest.raises(InstanceGoneError):
        await host.raise_event(state.instance_id, "go")
