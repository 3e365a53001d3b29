"""Messages of a killed host stay invisible for the visibility timeouts; a host that stops releases them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from functions_host.durable.events import EventType, format_time, parse_time
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.states import RuntimeStatus
from functions_host.durable.steered_clock import ClockFile, SteeredClock
from functions_host.durable.store.work_tables import WorkTables
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

CONTROL, WORK_ITEM = timedelta(minutes=2), timedelta(minutes=3)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    options = HubOptions(control_queue_visibility=CONTROL, work_item_queue_visibility=WORK_ITEM)
    host = Host(tmp_path / "hub.db", options)
    yield host
    await host.stop()


def with_an_activity_that_hangs_once(host: Host) -> list[datetime]:
    """Returns the times at which the activity is called."""
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


async def hanging_in_its_activity(host: Host) -> tuple[str, list[datetime]]:
    """An instance, and the times at which its activity was called: once until now."""
    calls = with_an_activity_that_hangs_once(host)
    instance_id = await host.start("orch")
    await host.until(lambda: calls)
    return instance_id, calls


def with_an_orchestrator_that_tells_the_time(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return context.current_utc_datetime.isoformat()
        yield


async def test_an_activity_that_ran_when_the_host_was_killed_runs_again_later(host: Host) -> None:
    instance_id, calls = await hanging_in_its_activity(host)
    with host.frozen():
        await host.kill()

    assert output(await host.ended(instance_id)) == "done"
    assert [call - calls[0] for call in calls] == [timedelta(0), WORK_ITEM]


async def test_an_activity_that_ran_when_the_host_stopped_runs_again_at_once(host: Host) -> None:
    instance_id, calls = await hanging_in_its_activity(host)
    with host.frozen():
        await host.stop(0)

    assert output(await host.ended(instance_id)) == "done"
    assert calls[1] == calls[0]


async def test_an_instance_whose_message_was_taken_waits(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    began = host.clock.now()
    with host.frozen():
        instance_id = await host.start("orch")
        await host.kill()
        assert await host.status(instance_id) is RuntimeStatus.PENDING
        await host.until_idle()

    assert output(await host.ended(instance_id)) == (began + CONTROL).isoformat()
    assert f"is visible again at {format_time(began + CONTROL)}." in caplog.text


async def test_a_message_that_is_sent_after_the_restart_does_not_wait(host: Host) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    with host.frozen():
        await host.start("orch", instance_id="taken")
        await host.kill()
        began = host.clock.now()
        state = await host.run("orch", instance_id="fresh")

    assert output(state) == began.isoformat()


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_another_host_in_between_does_not_change_when_the_message_is_visible(
    host: Host, end: str
) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    began = host.clock.now()
    with host.frozen():
        instance_id = await host.start("orch")
        await host.kill()
        await host.status(instance_id)
    await host.clock.sleep_until(began + CONTROL / 2)
    with host.frozen():
        await (host.kill() if end == "kill" else host.stop())

    assert output(await host.ended(instance_id)) == (began + CONTROL).isoformat()


async def test_a_redelivered_message_is_hidden_again_after_the_next_kill(host: Host) -> None:
    instance_id, calls = await hanging_in_its_activity(host)
    with host.frozen():
        await host.kill()
        calls.clear()  # The activity hangs in its next call, too.
        await host.until_idle()
    await host.until(lambda: calls)
    with host.frozen():
        await host.kill()

    assert output(await host.ended(instance_id)) == "done"
    assert [call - calls[0] for call in calls] == [timedelta(0), WORK_ITEM]


async def test_a_message_without_work_is_visible_at_once_after_a_stop(host: Host) -> None:
    with_an_orchestrator_that_tells_the_time(host)
    began = host.clock.now()
    with host.frozen():
        instance_id = await host.start("orch")
        host.hub._dispatcher._accepting = False
        await host.stop(0)

    assert output(await host.ended(instance_id)) == began.isoformat()


async def test_a_message_that_is_sent_after_a_kill_overtakes_one_that_was_taken(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        first = yield context.wait_for_external_event("go")
        second = yield context.wait_for_external_event("go")
        return [first, second]

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.raise_event(instance_id, "go", "taken")
        await host.kill()
        await host.raise_event(instance_id, "go", "sent")
        await host.until_idle()

    assert output(await host.ended(instance_id)) == ["sent", "taken"]


async def test_a_message_to_an_instance_waits_if_the_start_of_the_instance_was_taken(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return (yield context.wait_for_external_event("go"))

    with host.frozen():
        instance_id = await host.start("orch")
        await host.kill()
        await host.raise_event(instance_id, "go", "sent")
        await host.until_idle()
        assert await host.status(instance_id) is RuntimeStatus.PENDING

    assert output(await host.ended(instance_id)) == "sent"


async def test_a_terminate_does_not_wait_for_the_start_of_the_instance(host: Host) -> None:
    """The start that was taken comes later, and starts nothing. The id can be started again."""
    began: list[str] = []

    @host.worker.orchestrator
    def orch(context):
        began.append(context.get_input())
        return context.get_input()
        yield

    with host.frozen():
        instance_id = await host.start("orch", "first")
        await host.kill()
        began.clear()  # The killed host may have begun it, but did not store the result.
        await host.hub.terminate(instance_id, "start anew")
        state = await host.ended(instance_id)
        assert (state.runtime_status, output(state)) == (RuntimeStatus.TERMINATED, "start anew")
    await host.clock.sleep_until(host.clock.now() + 2 * CONTROL)
    await host.until_idle()
    assert await host.status(instance_id) is RuntimeStatus.TERMINATED
    assert began == []

    await host.start("orch", "second", instance_id=instance_id)
    assert output(await host.ended(instance_id)) == "second"


@pytest.mark.parametrize("late", ["event", "terminate"])
async def test_an_instance_whose_end_was_not_written_ends_once(
    host: Host, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """Also if a message arrived during its last episode, and although its row has the old status."""

    @host.worker.orchestrator
    def orch(context):
        return (yield context.wait_for_external_event("go"))

    monkeypatch.setattr(KillPoint, "kill", lambda _: None)
    host.kill_point = KillPoint(2)
    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.raise_event(instance_id, "go", "done")
        await host.until_idle()
        if late == "event":
            await host.raise_event(instance_id, "go", "late")
        else:
            await host.hub.terminate(instance_id, "late")
        await host.kill()
        host.kill_point = None
        await host.until_idle()
        assert await host.status(instance_id) is RuntimeStatus.RUNNING
    state = await host.ended(instance_id)
    await host.until_idle()

    assert (state.runtime_status, output(state)) == (RuntimeStatus.COMPLETED, "done")
    assert await host.status(instance_id) is RuntimeStatus.COMPLETED
    assert (await host.kinds(instance_id)).count(EventType.EXECUTION_COMPLETED) == 1


async def test_the_timeout_counts_from_the_last_renewal_by_the_clock_of_the_hub(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steering = ClockFile(tmp_path / "clock", pace=0)
    host.clock = SteeredClock(steering.path)
    calls = with_an_activity_that_hangs_once(host)
    renewals: list[datetime] = []
    hide = WorkTables.hide_activities

    def noted(tables: WorkTables, ids: Iterable[int], until: str | None) -> None:
        hide(tables, ids, until)
        if until is not None:
            renewals.append(parse_time(until))

    monkeypatch.setattr(WorkTables, "hide_activities", noted)
    instance_id = await host.start("orch")
    await host.until(lambda: calls)
    steering.skip(3_600)
    await host.until(lambda: renewals)
    await host.kill()
    await host.until_idle()
    steering.skip(int(WORK_ITEM.total_seconds()) - 1)
    await host.until_idle()
    assert len(calls) == 1
    steering.skip(1)

    assert output(await host.ended(instance_id)) == "done"
    assert calls[1] - calls[0] == timedelta(hours=1) + WORK_ITEM


async def test_an_operation_that_was_taken_runs_later(host: Host) -> None:
    ran: list[datetime] = []

    @host.worker.entity
    def counter(context):
        ran.append(host.clock.now())
        context.set_state(1)

    began = host.clock.now()
    with host.frozen():
        await host.hub.signal_entity("counter", "k", "add", None)
        await host.kill()
        ran.clear()  # The killed host may have run it, but did not store the result.
        await host.until_idle()
        assert not ran
    await host.until(lambda: ran)

    assert ran == [began + CONTROL]


async def test_a_kill_does_not_delay_a_timer(host: Host) -> None:
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
