"""Random orchestrations: the replay of the SDK and that of the host must agree on every sequence id.

If they disagree, a result goes to the wrong task or to none: the program has the wrong output or does not end.
"""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from azure.durable_functions import EntityId, RetryOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from functions_host.durable.hub_options import HubOptions
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

_numbers = st.integers(0, 9)
_leaves = st.one_of(
    st.tuples(st.just("activity"), _numbers),
    st.tuples(st.just("flaky"), st.integers(1, 4)),
    st.tuples(st.just("timer"), _numbers),
    st.tuples(st.just("entity"), _numbers),
    st.tuples(st.just("child"), st.lists(st.tuples(st.just("activity"), _numbers), max_size=2)),
)
_compounds = st.recursive(
    _leaves,
    lambda children: st.tuples(st.just("all"), st.lists(children, min_size=1, max_size=3)),
    max_leaves=5,
)
_steps = st.one_of(
    _compounds,
    st.tuples(st.just("any"), st.lists(_leaves, min_size=1, max_size=3)),
    st.tuples(st.just("signal"), _numbers),
    st.tuples(st.just("fails"), _numbers),
    st.just(("restart", 0)),
)
# The attempts that a flaky activity gets; the program says how many it needs.
_ATTEMPTS = 3


def _task(context: Any, step: list[Any]) -> Any:
    kind, value = step
    match kind:
        case "activity":
            return context.call_activity("echo", value)
        case "flaky":
            return context.call_activity_with_retry(
                "flaky", RetryOptions(1000, _ATTEMPTS), [value, str(context.new_uuid())]
            )
        case "timer":
            return context.create_timer(context.current_utc_datetime + timedelta(minutes=value))
        case "entity":
            return context.call_entity(EntityId("thing", "k"), "echo", value)
        case "child":
            return context.call_sub_orchestrator("program", value)
        case "all":
            return context.task_all([_task(context, each) for each in value])
    raise AssertionError(kind)


def _expected(step: Any) -> Any:
    kind, value = step
    match kind:
        case "flaky":
            return value if value <= _ATTEMPTS else "failed"
        case "timer":
            return None
        case "child":
            return [_expected(each) for each in value]
        case "all":
            results = [_expected(each) for each in value]
            return "failed" if "failed" in results else results
        case "any" | "signal" | "fails" | "restart":
            return kind
    return value


def _make(host: Host) -> None:
    attempts: dict[str, int] = {}

    @host.worker.activity
    async def echo(value):
        await asyncio.sleep(0)
        return value

    @host.worker.activity
    def flaky(call):
        needed, name = call
        attempts[name] = attempts.get(name, 0) + 1
        if attempts[name] < needed:
            raise ValueError("flaky")
        return needed

    @host.worker.activity
    def fails(_):
        raise ValueError("always")

    @host.worker.entity
    def thing(context):
        context.set_result(context.get_input())

    @host.worker.orchestrator
    def program(context):
        results = []
        for step in context.get_input():
            kind, value = step
            try:
                if kind == "any":
                    yield context.task_any([_task(context, each) for each in value])
                    results.append("any")
                elif kind == "signal":
                    context.signal_entity(EntityId("thing", "k"), "echo", value)
                    results.append("signal")
                elif kind == "restart":
                    yield context.wait_for_external_event("restarted")
                    results.append("restart")
                elif kind == "fails":
                    yield context.call_activity("fails", value)
                else:
                    results.append((yield _task(context, step)))
            except Exception as error:
                results.append("fails" if "always" in str(error) else "failed")
        return results


async def _run(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder) / "hub.db", HubOptions())
        _make(host)
        instance_id = await host.start("program", steps)
        if any(kind == "restart" for kind, _ in steps):
            await host.until_idle()
            await host.stop()
            await host.raise_event(instance_id, "restarted")
        state = await host.ended(instance_id)
        await host.stop()
        assert output(state) == [_expected(step) for step in steps]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(_steps, max_size=4))
def test_any_program_ends_with_its_results(steps: list[Any]) -> None:
    restarts = [step for step in steps if step[0] == "restart"]
    if len(restarts) > 1:
        steps = [step for step in steps if step[0] != "restart"] + restarts[:1]
    asyncio.run(_run(steps))
