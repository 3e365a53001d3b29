"""Rewind, restart, purge and queries."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.durable_functions import RetryOptions

from functions_host.durable.errors import (
    ArgumentError,
    InstanceNotFoundError,
    OrchestrationAlreadyExistsError,
    PreconditionError,
)
from functions_host.durable.events import EventType
from functions_host.durable.states import InstanceQuery, RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


class Breakable:
    """Activities that fail while the test sets them to."""

    def __init__(self, host: Host) -> None:
        self.broken = True
        self.calls: list[object] = []

        @host.worker.activity
        def fragile(value):
            self.calls.append(value)
            if self.broken:
                raise ValueError("broken")
            return f"repaired {value}"

        @host.worker.activity
        def solid(value):
            self.calls.append(value)
            return value

        @host.worker.orchestrator
        def plain(context):
            first = yield context.call_activity("solid", 1)
            both = yield context.task_all(
                [context.call_activity("solid", 2), context.call_activity("fragile", 3)]
            )
            return [first, *both]

        @host.worker.orchestrator
        def retrying(context):
            return (yield context.call_activity_with_retry("fragile", RetryOptions(1000, 2), 4))

        @host.worker.orchestrator
        def parent(context):
            return (yield context.call_sub_orchestrator("plain"))

        @host.worker.orchestrator
        def waits(context):
            yield context.wait_for_external_event("go")


@pytest.fixture
def breakable(host: Host) -> Breakable:
    return Breakable(host)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", [1, 2, "repaired 3"]),
        ("retrying", "repaired 4"),
        ("parent", [1, 2, "repaired 3"]),
    ],
)
async def test_rewind_runs_what_failed_again_and_only_that(
    host: Host, breakable: Breakable, name: str, expected: object
) -> None:
    state = await host.run(name)
    assert state.runtime_status == RuntimeStatus.FAILED
    breakable.broken = False
    breakable.calls.clear()

    await host.hub.rewind(state.instance_id, "repaired")
    state = await host.ended(state.instance_id)

    assert (state.runtime_status, output(state)) == (RuntimeStatus.COMPLETED, expected)
    assert len(breakable.calls) == 1


async def test_rewind_can_fail_and_be_tried_again(host: Host, breakable: Breakable) -> None:
    state = await host.run("plain")
    await host.hub.rewind(state.instance_id, "")
    state = await host.ended(state.instance_id)
    assert state.runtime_status == RuntimeStatus.FAILED
    breakable.broken = False
    await host.hub.rewind(state.instance_id, "")

    assert output(await host.ended(state.instance_id)) == [1, 2, "repaired 3"]


async def test_rewind_is_for_failed_instances(host: Host, breakable: Breakable) -> None:
    breakable.broken = False
    with pytest.raises(InstanceNotFoundError):
        await host.hub.rewind("nobody", "")
    done = await host.run("plain")
    with pytest.raises(PreconditionError, match="has status Completed"):
        await host.hub.rewind(done.instance_id, "")
    running = await host.start("waits")
    with pytest.raises(PreconditionError, match=r"has status (Pending|Running)"):
        await host.hub.rewind(running, "")


async def test_restart_with_the_same_and_with_a_new_id(host: Host, breakable: Breakable) -> None:
    breakable.broken = False
    state = await host.run("plain", {"the": "input"}, version="9")

    same = await host.hub.restart(state.instance_id, state.instance_id)
    await host.ended(same)
    new = await host.hub.restart(state.instance_id)
    restarted = await host.ended(new)

    assert same == state.instance_id != new
    assert (restarted.input, restarted.name) == (state.input, "plain")
    assert (await host.hub.history(new))[1]["Version"] == "9"


async def test_restart_of_an_unknown_or_a_running_instance_is_refused(
    host: Host, breakable: Breakable
) -> None:
    with pytest.raises(ArgumentError, match="No instance with ID 'nobody' was found"):
        await host.hub.restart("nobody")
    running = await host.start("waits")
    with pytest.raises(OrchestrationAlreadyExistsError):
        await host.hub.restart(running, running)
    assert breakable.calls == []


async def test_purge_refuses_a_running_instance_and_deletes_an_ended_one_with_its_timers(host: Host) -> None:
    @host.worker.orchestrator
    def sleeps(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))

    with host.frozen():
        instance_id = await host.start("sleeps")
        await host.until_idle()
        with pytest.raises(PreconditionError, match=f"{instance_id} has status Running"):
            await host.hub.purge(instance_id)
        await host.hub.terminate(instance_id, "")
        await host.ended(instance_id)
        assert await host.hub.purge(instance_id)
        assert not await host.hub.purge(instance_id)
    assert await host.hub.get(instance_id) is None
    assert await host.hub.history(instance_id) == []
    assert host.clock.now().hour == 0


async def test_bulk_purge_deletes_only_ended_instances(host: Host, breakable: Breakable) -> None:
    for number in range(3):
        await host.run("plain", number)
    running = await host.start("waits")
    await host.until_idle()

    assert await host.hub.purge_by(InstanceQuery(statuses=frozenset({RuntimeStatus.COMPLETED}))) == 0
    assert await host.hub.purge_by(InstanceQuery(statuses=frozenset({RuntimeStatus.RUNNING}))) == 0
    assert await host.hub.purge_by(InstanceQuery()) == 3
    assert [state.instance_id for state in (await host.hub.query(InstanceQuery())).instances] == [running]
    assert breakable.broken


async def test_queries_filter_and_page(host: Host, breakable: Breakable) -> None:
    breakable.broken = False
    for number in range(5):
        await host.run("plain", instance_id=f"run-{number}")
    await host.start("waits", instance_id="other")
    await host.until_idle()

    async def ids(**wanted) -> list[str]:
        page = await host.hub.query(InstanceQuery(**wanted))
        return [state.instance_id for state in page.instances]

    now = host.clock.now()
    assert await ids(statuses=frozenset({RuntimeStatus.RUNNING})) == ["other"]
    assert await ids(instance_id_prefix="run-") == [f"run-{n}" for n in range(5)]
    assert await ids(created_from=now + timedelta(seconds=1)) == []
    assert len(await ids(created_from=now, created_to=now)) == 6
    seen: list[str] = []
    token = None
    while True:
        page = await host.hub.query(InstanceQuery(top=2, continuation=token))
        seen.extend(state.instance_id for state in page.instances)
        token = page.continuation
        if token is None:
            break
    assert seen == ["other", *(f"run-{n}" for n in range(5))]
    unknown = await host.hub.query(InstanceQuery(continuation="no token"))
    assert (list(unknown.instances), unknown.continuation) == ([], None)
    none_asked_for = await host.hub.query(InstanceQuery(top=0))
    assert list(none_asked_for.instances) == []
    rest = await host.hub.query(InstanceQuery(continuation=none_asked_for.continuation))
    assert [state.instance_id for state in rest.instances] == seen


async def test_entities_are_instances_in_queries(host: Host, breakable: Breakable) -> None:
    @host.worker.entity
    def counter(context):
        if context.operation_name == "leave":
            context.destruct_on_exit()
        else:
            context.set_state(1)

    await host.start("waits", instance_id="Z")
    await host.start("waits", instance_id="!")
    for key, operation in (("k", "come"), ("j", "leave")):
        await host.hub.signal_entity("counter", key, operation, None)
    await host.until_idle()

    seen: list[str] = []
    query = InstanceQuery(top=1)
    while True:
        page = await host.hub.query(query)
        seen.extend(state.instance_id for state in page.instances)
        if page.continuation is None:
            break
        query = replace(query, continuation=page.continuation)
    assert seen == ["!", "@counter@j", "@counter@k", "Z"]
    failed = await host.hub.query(InstanceQuery(statuses=frozenset({RuntimeStatus.FAILED})))
    assert list(failed.instances) == []
    by_prefix = await host.hub.query(InstanceQuery(instance_id_prefix="@counter@k"))
    [entity] = by_prefix.instances
    assert entity == await host.hub.get("@Counter@k")
    assert json.loads(entity.input or "") == {"exists": True, "state": "1", "sorter": {}}
    assert json.loads(entity.custom_status or "") == {"entityExists": True}
    assert breakable.broken


async def test_purge_deletes_an_entity_in_any_state(host: Host) -> None:
    @host.worker.entity
    def counter(context):
        context.set_state(1)

    await host.hub.signal_entity("counter", "k", "add", None)
    await host.until_idle()

    assert await host.hub.purge("@counter@k")
    assert await host.hub.get_entity("counter", "k") is None
    assert not await host.hub.purge("@counter@k")
    assert await host.hub.purge_by(InstanceQuery()) == 0


async def test_a_replaced_instance_drops_the_results_of_the_episode_in_flight(host: Host) -> None:
    """The instance is purged while its code runs: the answer must not create it again."""

    @host.worker.activity
    async def purge_it(instance_id):
        await host.hub.terminate(instance_id, "")
        await host.ended(instance_id)
        await host.hub.purge(instance_id)

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("purge_it", context.instance_id)

    instance_id = await host.start("orch")
    await host.until_idle()

    assert await host.hub.get(instance_id) is None
    assert EventType.TASK_COMPLETED not in await host.kinds(instance_id)
