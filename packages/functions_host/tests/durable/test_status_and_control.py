"""Custom status, suspend and resume, terminate."""

import asyncio
import json
from datetime import timedelta

import pytest

from functions_host.durable.errors import InstanceGoneError, InstanceNotFoundError, InvalidOperationError
from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


async def test_custom_status_is_visible_while_running_and_cannot_be_cleared(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        context.set_custom_status({"phase": "waiting ä"})
        yield context.wait_for_external_event("go")
        context.set_custom_status(None)
        yield context.wait_for_external_event("go")

    instance_id = await host.start("orch")
    await host.until_idle()
    await host.raise_event(instance_id, "go")
    await host.until_idle()

    state = await host.hub.get(instance_id)
    assert state is not None
    assert json.loads(state.custom_status or "") == {"phase": "waiting ä"}


@pytest.mark.parametrize(("length", "fits"), [(8190, True), (8191, False)])
async def test_custom_status_is_limited_to_16_kb_of_utf_16(host: Host, length: int, fits: bool) -> None:
    @host.worker.orchestrator
    def orch(context):
        context.set_custom_status("ä" * length)
        return "fine"

    state = await host.run("orch")

    if fits:
        assert state.runtime_status == RuntimeStatus.COMPLETED
    else:
        assert state.runtime_status == RuntimeStatus.FAILED
        assert "The UTF-16 size of the JSON-serialized payload must not exceed 16 KB" in output(state)


@pytest.fixture
def steps(host: Host) -> list[int]:
    done: list[int] = []

    @host.worker.activity
    def step(number):
        done.append(number)
        return number

    @host.worker.orchestrator
    def orch(context):
        for number in range(3):
            yield context.wait_for_external_event(f"go-{number}")
            yield context.call_activity("step", number)
        return "done"

    return done


async def test_a_suspended_instance_keeps_its_events_and_continues_when_resumed(host: Host) -> None:
    running, gate = asyncio.Event(), asyncio.Event()

    @host.worker.activity
    async def slow(_):
        running.set()
        await gate.wait()

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("slow", None)
        yield context.wait_for_external_event("go")
        return "done"

    instance_id = await host.start("orch")
    await running.wait()
    await host.hub.suspend(instance_id, "hold on")
    await host.until(lambda: _has_status(host, instance_id, RuntimeStatus.SUSPENDED))
    gate.set()
    await host.until_idle()
    assert await _status_and_output(host, instance_id) == (RuntimeStatus.SUSPENDED, "hold on")
    assert EventType.TASK_COMPLETED in await host.kinds(instance_id)
    await host.stop()

    await host.hub.resume(instance_id, "go on")
    await host.until_idle()

    assert await _status_and_output(host, instance_id) == (RuntimeStatus.RUNNING, "go on")
    await host.raise_event(instance_id, "go")
    assert output(await host.ended(instance_id)) == "done"


async def test_an_event_ends_a_suspension_also_for_the_replays_after_it(host: Host, steps: list[int]) -> None:
    instance_id = await host.start("orch")
    await host.until_idle()
    await host.hub.suspend(instance_id, "hold on")
    await host.until_idle()

    await host.raise_event(instance_id, "go-0")
    await host.until_idle()

    assert await _status_and_output(host, instance_id) == (RuntimeStatus.RUNNING, "hold on")
    assert steps == [0]
    await host.stop()
    for number in (1, 2):
        await host.raise_event(instance_id, f"go-{number}")
    assert output(await host.ended(instance_id)) == "done"
    assert steps == [0, 1, 2]


async def test_work_decided_in_the_batch_that_suspends_is_parked(host: Host, steps: list[int]) -> None:
    instance_id = await host.start("orch")
    await host.until_idle()
    await host.raise_event(instance_id, "go-0")
    await host.hub.suspend(instance_id, "")
    await host.until_idle()
    assert EventType.TASK_SCHEDULED not in await host.kinds(instance_id)
    await host.hub.resume(instance_id, "")
    await host.until_idle()

    assert steps == [0]


async def test_an_orchestration_does_not_end_while_suspended(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        return "done"

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.hub.suspend(instance_id, "")
        await host.until_idle()
    await host.until(lambda: _has_timer_fired(host, instance_id))
    assert await host.status(instance_id) is RuntimeStatus.SUSPENDED
    await host.hub.resume(instance_id, "")

    assert output(await host.ended(instance_id)) == "done"


async def test_suspend_and_resume_in_the_wrong_state_are_refused(host: Host, steps: list[int]) -> None:
    with pytest.raises(InstanceNotFoundError):
        await host.hub.suspend("nobody", "")
    instance_id = await host.start("orch")
    await host.until_idle()
    with pytest.raises(InvalidOperationError):
        await host.hub.resume(instance_id, "")
    await host.hub.suspend(instance_id, "")
    await host.until_idle()
    with pytest.raises(InvalidOperationError):
        await host.hub.suspend(instance_id, "")
    assert steps == []


async def test_terminate_ends_an_instance_with_its_reason_though_timers_are_open(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.hub.terminate(instance_id, "no longer needed")
        state = await host.ended(instance_id)

    assert state.runtime_status == RuntimeStatus.TERMINATED
    assert state.output == json.dumps("no longer needed")
    assert (await host.kinds(instance_id))[-3:] == [
        EventType.EXECUTION_TERMINATED,
        EventType.EXECUTION_COMPLETED,
        EventType.ORCHESTRATOR_COMPLETED,
    ]
    with pytest.raises(InstanceGoneError):
        await host.hub.terminate(instance_id, "again")


async def test_a_suspended_instance_can_be_terminated(host: Host, steps: list[int]) -> None:
    instance_id = await host.start("orch")
    await host.until_idle()
    await host.hub.suspend(instance_id, "")
    await host.until_idle()
    await host.hub.terminate(instance_id, "stop")

    assert (await host.ended(instance_id)).runtime_status == RuntimeStatus.TERMINATED
    assert steps == []


async def _has_timer_fired(host: Host, instance_id: str) -> bool:
    return EventType.TIMER_FIRED in await host.kinds(instance_id)


async def _has_status(host: Host, instance_id: str, status: RuntimeStatus) -> bool:
    return await host.status(instance_id) is status


async def _status_and_output(host: Host, instance_id: str) -> tuple[RuntimeStatus, object]:
    state = await host.hub.get(instance_id)
    assert state is not None
    return state.runtime_status, output(state)
