"""continue_as_new: a new history with the same id; which events and which status it keeps."""

import json
from datetime import timedelta

from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


async def test_the_history_starts_again_with_a_new_execution(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        count = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        if count == 3:
            return count
        context.continue_as_new(count + 1)

    state = await host.run("orch", 0)
    starts = [context["history"][1] for context in host.worker.contexts if not context["isReplaying"]]

    assert output(state) == 3
    assert [json.loads(json.loads(start["Input"])) for start in starts] == [0, 1, 2, 3]
    assert len({start["OrchestrationInstance"]["ExecutionId"] for start in starts}) == 4
    assert [event["EventId"] for event in await host.hub.history(state.instance_id)][3] == 0


async def test_created_time_is_reset_and_custom_status_is_kept(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        if context.get_input() == "again":
            yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
            return None
        context.set_custom_status({"phase": "first"})
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        context.continue_as_new("again")

    state = await host.run("orch", "start")

    assert state.custom_status == '{"phase":"first"}'
    assert (state.created_at.hour, state.updated_at.minute) == (1, 1)
    assert state.input == json.dumps('"again"')


async def test_without_a_yield_it_works_as_well(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        if context.get_input() < 5:
            context.continue_as_new(context.get_input() + 1)
        else:
            return "five"

    assert output(await host.run("orch", 0)) == "five"


async def test_events_that_nobody_waited_for_are_dropped(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("extra"))
        yield context.wait_for_external_event("go")
        context.continue_as_new(2)

    instance_id = await host.start("orch", 1)
    await host.until_idle()
    await host.raise_event(instance_id, "extra", "dropped")
    await host.until_idle()
    await host.raise_event(instance_id, "go")
    await host.until_idle()
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    await host.raise_event(instance_id, "extra", "heard")

    assert output(await host.ended(instance_id)) == "heard"


async def test_events_behind_the_call_in_the_same_batch_are_carried_over(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        got = yield context.wait_for_external_event("go")
        if context.get_input() == 2:
            return got
        context.continue_as_new(2)

    instance_id = await host.start("orch", 1)
    await host.until_idle()
    for value in ("first", "second"):
        await host.raise_event(instance_id, "go", value)

    assert output(await host.ended(instance_id)) == "second"
    assert [event["EventType"] for event in host.worker.contexts[-1]["history"]] == [
        EventType.ORCHESTRATOR_STARTED,
        EventType.EXECUTION_STARTED,
        EventType.EVENT_RAISED,
        EventType.ORCHESTRATOR_COMPLETED,
    ]


async def test_an_event_that_arrives_while_the_execution_changes_is_in_the_second_episode(host: Host) -> None:
    arrived: list[str] = []
    original = host.worker.run_orchestrator

    async def run_orchestrator(name: str, context_json: str, trace: TraceContext) -> str:
        answer = await original(name, context_json, trace)
        if len(host.worker.contexts) == 1:
            arrived.append("go")
            await host.raise_event("again", "go", "heard")
        return answer

    host.worker.run_orchestrator = run_orchestrator  # type: ignore[method-assign]

    @host.worker.orchestrator
    def orch(context):
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("go"))
        context.continue_as_new(2)

    assert output(await host.run("orch", 1, instance_id="again")) == "heard"

    lengths = [len(context["history"]) for context in host.worker.contexts]
    assert (arrived, lengths) == (["go"], [2, 3, 6])


async def test_an_open_timer_holds_the_new_execution_back(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        if context.get_input() == 2:
            return context.current_utc_datetime.hour
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=3))
        yield context.task_any([timer, context.wait_for_external_event("go")])
        context.continue_as_new(2)

    with host.frozen():
        instance_id = await host.start("orch", 1)
        await host.until_idle()
        await host.raise_event(instance_id, "go")
        await host.until_idle()
        assert EventType.EVENT_RAISED in await host.kinds(instance_id)

    assert output(await host.ended(instance_id)) == 3


async def test_an_event_that_cancels_the_timer_is_delivered_exactly_once_more(host: Host) -> None:
    """The cancelled timer completes the host's task_any at once, so the event counts as after the call."""
    checks: list[int] = []

    @host.worker.activity
    def check(number):
        checks.append(number)

    @host.worker.orchestrator
    def run(context):
        number = context.get_input()
        yield context.call_activity("check", number)
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=2))
        nudge = context.wait_for_external_event("nudge")
        winner = yield context.task_any([timer, nudge])
        if winner == nudge:
            timer.cancel()
        context.continue_as_new(number + 1)

    with host.frozen():
        instance_id = await host.start("run", 1)
        await host.until_idle()
        assert checks == [1]
        await host.raise_event(instance_id, "nudge")
        await host.until_idle()

    assert checks == [1, 2, 3]
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    await host.hub.terminate(instance_id, "test over")


async def test_eight_hours_of_polling_keep_the_history_short(host: Host) -> None:
    @host.worker.activity
    def check(number):
        return number >= 240

    @host.worker.orchestrator
    def run(context):
        number = context.get_input()
        if (yield context.call_activity("check", number)):
            return number
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=120))
        context.continue_as_new(number + 1)

    state = await host.run("run", 1)

    assert output(state) == 240
    assert (state.updated_at - host.clock.now()).total_seconds() == 0
    assert max(len(context["history"]) for context in host.worker.contexts) <= 11
