"""What a killed host had taken stays invisible for the visibility time-outs; a host that stops gives it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local.functions_host.durable.contract import HubOptions, RuntimeStatus
from tests.local.functions_host.durable.conftest import Host
from tests.local.functions_host.durable.sdk_worker import output

CONTROL, WORK_ITEM = timedelta(minutes=2), timedelta(minutes=3)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    options = HubOptions(control_queue_visibility=CONTROL, work_item_queue_visibility=WORK_ITEM)
    host = Host(tmp_path / "hub.db", options)
    yield host
    await host.stop()


def with_an_activity_that_hangs_once(host: Host) -> list[datetime]:
    """The times at which it is called."""
    calls: list[datetime] = []

    @host.worker.activity
    async def act(value):
        calls.append(host.clock.now())
        if len(calls) == 1:
            await asyncio.Event().wait()
        return value

    @host.worker.orchestrator
    def orch(context):
        return (yield context.call_activity("act", "done"))

    return calls


def with_an_orchestrator_that_tells_the_time(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return context.current_utc_datetime.isoformat()
        yield


async def test_an_activity_that_ran_when_the_host_was_killed_runs_again_later(host: Host) -> None:
    calls = with_an_activity_that_hangs_once(host)
    instance_id = await host.start("orch")
    await host.until(lambda: calls)
    with host.frozen():
        await host.kill()

    assert output(await host.ended(instance_id)) == "done"
    assert [call - calls[0] for call in calls] == [timedelta(0), WORK_ITEM]


async def test_an_activity_that_ran_when_the_host_stopped_runs_again_at_once(host: Host) -> None:
    calls = with_an_activity_that_hangs_once(host)
    instance_id = await host.start("orch")
    await host.until(lambda: calls)
    with host.frozen():
        await host.stop(0)

    assert output(await host.ended(instance_id)) == "done"
    assert calls[1] == calls[0]


async def test_an_instance_whose_message_was_taken_stands_still(host: Host) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    began = host.clock.now()
    with host.frozen():
        instance_id = await host.start("orch")
        await host.kill()
        assert await host.status(instance_id) is RuntimeStatus.PENDING
        await host.until_idle()

    assert output(await host.ended(instance_id)) == (began + CONTROL).isoformat()


async def test_what_comes_after_the_restart_does_not_stand_still(host: Host) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    with host.frozen():
        await host.start("orch", instance_id="taken")
        await host.kill()
        began = host.clock.now()
        state = await host.run("orch", instance_id="fresh")

    assert output(state) == began.isoformat()


async def test_a_second_kill_does_not_lengthen_the_wait_for_what_the_first_host_had_taken(host: Host) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    began = host.clock.now()
    with host.frozen():
        instance_id = await host.start("orch")
        await host.kill()
        await host.status(instance_id)
    await host.clock.sleep_until(began + CONTROL / 2)
    with host.frozen():
        await host.kill()

    assert output(await host.ended(instance_id)) == (began + CONTROL).isoformat()


async def test_an_operation_that_was_taken_is_run_later(host: Host) -> None:
    ran: list[datetime] = []

    @host.worker.entity
    def counter(context):
        ran.append(host.clock.now())
        context.set_state(1)

    began = host.clock.now()
    with host.frozen():
        await host.hub.signal_entity("counter", "k", "add", None)
        await host.kill()
        ran.clear()  # The dying host may have got that far, but not to the file.
        await host.until_idle()
        assert not ran
    await host.until(lambda: ran)

    assert ran == [began + CONTROL]


async def test_a_timer_waits_in_its_queue_whatever_happens_to_the_host(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        return context.current_utc_datetime.isoformat()

    began = host.clock.now()
    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.kill()

    assert output(await host.ended(instance_id)) == (began + timedelta(minutes=1)).isoformat()
