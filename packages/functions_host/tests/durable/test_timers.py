"""Durable timers: firing, cancelling, and those that are longer than the storage allows."""

from datetime import timedelta

import pytest

from functions_host.durable.clock import VirtualClock
from functions_host.durable.events import EventType, format_time
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

START = VirtualClock().now()


@pytest.mark.parametrize(
    ("asked_for", "waits"),
    [
        (timedelta(days=2), timedelta(days=2)),
        (timedelta(days=2, microseconds=7), timedelta(days=2)),
        (timedelta(seconds=2.999), timedelta(seconds=2)),
        (timedelta(seconds=0.999), timedelta(0)),
        (timedelta(seconds=-5), timedelta(0)),
    ],
)
async def test_a_timer_waits_whole_seconds_so_that_it_fires_up_to_a_second_early(
    host: Host, asked_for: timedelta, waits: timedelta
) -> None:
    @host.worker.orchestrator
    def orch(context):
        started = context.current_utc_datetime
        yield context.create_timer(started + asked_for)
        return (context.current_utc_datetime - started).total_seconds()

    state = await host.run("orch")

    assert output(state) == waits.total_seconds()
    [created, fired] = [e for e in await host.hub.history(state.instance_id) if "FireAt" in e]
    assert created["FireAt"] == fired["FireAt"] == format_time(START + asked_for)
    assert fired["Timestamp"] == created["Timestamp"]


async def test_timers_of_many_instances_fire_in_order_of_time(host: Host) -> None:
    fired: list[int] = []

    @host.worker.activity
    def note(number):
        fired.append(number)

    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=context.get_input()))
        yield context.call_activity("note", context.get_input())

    for number in (30, 10, 20, 10):
        instance_id = await host.start("orch", number)
    for instance_id in [s.instance_id for s in (await _all(host))]:
        await host.ended(instance_id)

    assert fired == [10, 10, 20, 30]


async def test_a_losing_timer_that_is_cancelled_does_not_hold_the_instance(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        event = context.wait_for_external_event("go")
        winner = yield context.task_any([timer, event])
        if winner == event:
            timer.cancel()
        return winner == event

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.raise_event(instance_id, "go")
        state = await host.ended(instance_id)

    assert output(state) is True
    assert EventType.TIMER_CREATED in await host.kinds(instance_id)
    assert EventType.TIMER_FIRED not in await host.kinds(instance_id)


async def test_a_losing_timer_that_is_not_cancelled_keeps_the_instance_running_until_it_fires(
    host: Host,
) -> None:
    @host.worker.orchestrator
    def orch(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([timer, context.wait_for_external_event("go")])
        return "over"

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.raise_event(instance_id, "go")
        await host.until_idle()
        assert await host.status(instance_id) is RuntimeStatus.RUNNING
    state = await host.ended(instance_id)

    assert (output(state), state.updated_at.hour) == ("over", 1)


async def test_a_timer_beyond_six_days_runs_in_chunks_of_three(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(days=10))
        return context.current_utc_datetime.isoformat()

    state = await host.run("orch")
    created = [e["FireAt"][:10] for e in await host.hub.history(state.instance_id) if e["EventType"] == 10]

    assert output(state) == "2026-01-11T00:00:00+00:00"
    assert created == ["2026-01-04", "2026-01-07", "2026-01-11"]


async def test_after_the_cancel_of_a_long_timer_its_current_chunk_still_fires(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=7))
        yield context.task_any([timer, context.wait_for_external_event("go")])
        timer.cancel()
        return "over"

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.raise_event(instance_id, "go")
        await host.until_idle()
        assert await host.status(instance_id) is RuntimeStatus.RUNNING
    state = await host.ended(instance_id)

    assert state.updated_at.day == 4


async def test_waiting_timers_survive_a_restart_of_the_host(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=5))
        return "woke"

    with host.frozen():
        instance_id = await host.start("orch")
        await host.until_idle()
        await host.stop()

    assert output(await host.ended(instance_id)) == "woke"


async def _all(host: Host):
    from functions_host.durable.states import InstanceQuery

    return (await host.hub.query(InstanceQuery())).instances
