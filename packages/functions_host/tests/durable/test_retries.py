"""The host executes retry policies: timers between attempts, and one more after the last attempt."""

from azure.durable_functions import RetryOptions

from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


def _flaky(host: Host, failures: int) -> list[int]:
    calls: list[int] = []

    @host.worker.activity
    def flaky(number):
        calls.append(number)
        if len(calls) <= failures:
            raise ValueError(f"attempt {len(calls)}")
        return "ok"

    return calls


async def test_a_failed_activity_is_tried_again_after_the_interval(host: Host) -> None:
    calls = _flaky(host, failures=2)

    @host.worker.orchestrator
    def orch(context):
        result = yield context.call_activity_with_retry("flaky", RetryOptions(5000, 5), 7)
        return [result, context.current_utc_datetime.second]

    assert output(await host.run("orch")) == ["ok", 10]
    assert calls == [7, 7, 7]


async def test_the_last_failure_arrives_after_an_extra_timer_without_delay(host: Host) -> None:
    calls = _flaky(host, failures=99)

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity_with_retry("flaky", RetryOptions(5000, 2), None)

    state = await host.run("orch")
    events = await host.hub.history(state.instance_id)
    timers = [event["FireAt"][17:19] for event in events if event["EventType"] == EventType.TIMER_CREATED]

    assert state.runtime_status == RuntimeStatus.FAILED
    assert output(state).startswith(
        "Orchestrator function 'orch' failed: Activity function 'flaky' failed:  Va"
    )
    assert "attempt 2" in output(state)
    assert (len(calls), timers) == (2, ["05", "05"])
    assert [event["EventId"] for event in events if event["EventId"] >= 0] == [0, 1, 2, 3, 4]


async def test_a_single_attempt_also_ends_with_a_timer(host: Host) -> None:
    _flaky(host, failures=99)

    @host.worker.orchestrator
    def orch(context):
        try:
            yield context.call_activity_with_retry("flaky", RetryOptions(1000, 1), None)
        except Exception:
            return "caught"

    state = await host.run("orch")

    assert output(state) == "caught"
    assert (await host.kinds(state.instance_id)).count(EventType.TIMER_FIRED) == 1


async def test_work_after_retries_gets_the_ids_that_the_sdk_counts(host: Host) -> None:
    _flaky(host, failures=1)

    @host.worker.activity
    def echo(value):
        return value

    @host.worker.orchestrator
    def orch(context):
        options = RetryOptions(1000, 3)
        both = yield context.task_all(
            [context.call_activity_with_retry("flaky", options, 1), context.call_activity("echo", "side")]
        )
        both.append((yield context.call_activity("echo", "after")))
        return both

    assert output(await host.run("orch")) == ["ok", "side", "after"]


async def test_a_sub_orchestration_is_retried_too(host: Host) -> None:
    _flaky(host, failures=1)

    @host.worker.orchestrator
    def child(context):
        return (yield context.call_activity("flaky", None))

    @host.worker.orchestrator
    def parent(context):
        return (yield context.call_sub_orchestrator_with_retry("child", RetryOptions(1000, 3), None))

    assert output(await host.run("parent")) == "ok"
