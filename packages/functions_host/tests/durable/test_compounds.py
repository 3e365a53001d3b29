"""task_all and task_any: when the SDK continues, and for which tasks the host still waits."""

import asyncio
from datetime import timedelta

from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


class Gate:
    """An activity that ends when the test opens the gate."""

    def __init__(self, host: Host) -> None:
        self.open = asyncio.Event()
        self.started: list[str] = []

        @host.worker.activity
        async def slow(value):
            self.started.append("slow")
            await self.open.wait()
            return value

        @host.worker.activity
        def fast(value):
            self.started.append(f"fast {value}")
            return value

        @host.worker.activity
        def fails(_):
            raise ValueError("boom")


async def test_task_all_gives_results_in_the_order_of_its_tasks(host: Host) -> None:
    gate = Gate(host)
    gate.open.set()

    @host.worker.orchestrator
    def orch(context):
        return (yield context.task_all([context.call_activity("slow", 1), context.call_activity("fast", 2)]))

    assert output(await host.run("orch")) == [1, 2]


async def test_an_empty_task_all_is_done_at_once(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return (yield context.task_all([]))

    assert (await host.run("orch")).runtime_status == RuntimeStatus.COMPLETED


async def test_after_the_first_failure_of_task_all_the_host_still_waits_for_the_others(host: Host) -> None:
    gate = Gate(host)

    @host.worker.orchestrator
    def orch(context):
        try:
            yield context.task_all([context.call_activity("slow", 1), context.call_activity("fails", 2)])
        except Exception:
            return (yield context.call_activity("fast", "handled"))

    instance_id = await host.start("orch")
    await host.until(lambda: _has(host, instance_id, EventType.TASK_FAILED))
    assert gate.started == ["slow"]
    gate.open.set()

    assert output(await host.ended(instance_id)) == "handled"


async def test_an_unhandled_failure_of_task_all_fails_the_instance_only_when_all_are_done(host: Host) -> None:
    gate = Gate(host)

    @host.worker.orchestrator
    def orch(context):
        yield context.task_all([context.call_activity("slow", 1), context.call_activity("fails", 2)])

    instance_id = await host.start("orch")
    await host.until(lambda: _has(host, instance_id, EventType.TASK_FAILED))
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    gate.open.set()
    state = await host.ended(instance_id)

    assert state.runtime_status == RuntimeStatus.FAILED
    assert "ValueError: boom" in output(state)


async def test_task_any_continues_with_the_winner_but_the_loser_keeps_the_instance_running(
    host: Host,
) -> None:
    gate = Gate(host)

    @host.worker.orchestrator
    def orch(context):
        slow, fast = context.call_activity("slow", 1), context.call_activity("fast", 2)
        winner = yield context.task_any([slow, fast])
        after = yield context.call_activity("fast", 3)
        return [winner.result, after]

    instance_id = await host.start("orch")
    await host.until(lambda: "fast 3" in gate.started)
    await host.until(lambda: _count(host, instance_id, EventType.TASK_COMPLETED, 2))
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    gate.open.set()

    assert output(await host.ended(instance_id)) == [2, 3]


async def test_task_any_with_an_old_task_makes_the_host_wait_for_the_new_one(host: Host) -> None:
    """The SDK removes tasks that were yielded before from the action: the host knows only the new ones."""
    gate = Gate(host)

    @host.worker.orchestrator
    def orch(context):
        slow = context.call_activity("slow", 1)
        yield context.task_any([slow, context.wait_for_external_event("first")])
        yield context.task_any([slow, context.wait_for_external_event("second")])
        return (yield context.call_activity("fast", "last"))

    instance_id = await host.start("orch")
    await host.until(lambda: "slow" in gate.started)
    await host.raise_event(instance_id, "first")
    await host.until(lambda: _has(host, instance_id, EventType.EVENT_RAISED))
    gate.open.set()
    await host.until(lambda: _has(host, instance_id, EventType.TASK_COMPLETED))
    await host.until_idle()
    assert gate.started == ["slow"]
    await host.raise_event(instance_id, "second")

    assert output(await host.ended(instance_id)) == "last"


async def test_a_poll_loop_with_a_nudge_in_a_task_any(host: Host) -> None:
    Gate(host)

    @host.worker.orchestrator
    def orch(context):
        for _ in range(3):
            timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=2))
            nudge = context.wait_for_external_event("nudge")
            winner = yield context.task_any([timer, nudge])
            if winner == nudge:
                timer.cancel()
                return context.current_utc_datetime.minute
            yield context.call_activity("fast", 1)

    instance_id = await host.start("orch")
    await host.until(lambda: _has(host, instance_id, EventType.TIMER_FIRED))
    with host.frozen():
        await host.until_idle()
        await host.raise_event(instance_id, "nudge")
        state = await host.ended(instance_id)

    assert output(state) == 2


async def test_a_task_that_is_never_yielded_never_runs(host: Host) -> None:
    gate = Gate(host)

    @host.worker.orchestrator
    def orch(context):
        context.call_activity("fast", "never")
        return (yield context.call_activity("fast", "once"))

    assert output(await host.run("orch")) == "once"
    assert gate.started == ["fast once"]


async def _has(host: Host, instance_id: str, kind: EventType) -> bool:
    return kind in await host.kinds(instance_id)


async def _count(host: Host, instance_id: str, kind: EventType, count: int) -> bool:
    return (await host.kinds(instance_id)).count(kind) == count
