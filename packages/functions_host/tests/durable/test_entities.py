"""Entities: signals, calls, batches, errors, state and its end."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from azure.durable_functions import EntityId

from functions_host.durable.errors import ArgumentError
from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


@pytest.fixture(autouse=True)
def counter(host: Host) -> None:
    @host.worker.entity
    def Counter(context):
        total = context.get_state(lambda: 0)
        match context.operation_name:
            case "add":
                context.set_state(total + context.get_input())
            case "get":
                context.set_result(total)
            case "fail":
                raise ValueError("no such luck")
            case "delete":
                context.destruct_on_exit()

    @host.worker.orchestrator
    def calls(context):
        counter = EntityId("Counter", "k")
        results = []
        for operation, value in context.get_input():
            try:
                results.append((yield context.call_entity(counter, operation, value)))
            except Exception as error:
                results.append([type(error).__name__, str(error)])
        return results


async def test_a_signal_from_the_client_changes_the_state(host: Host) -> None:
    await host.hub.signal_entity("COUNTER", "k", "add", '"5"')
    await host.hub.signal_entity("counter", "k", "add", '"2"')
    await host.until_idle()

    state = await host.hub.get_entity("Counter", "k")
    assert state is not None
    assert (state.name, state.key, state.state) == ("counter", "k", "7")
    [batch] = host.worker.batches
    assert len({operation.pop("id") for operation in batch["batch"]}) == 2
    assert batch == {
        "self": {"name": "counter", "key": "k"},
        "exists": False,
        "state": None,
        "batch": [
            {"name": "add", "input": '"5"', "isSignal": True},
            {"name": "add", "input": '"2"', "isSignal": True},
        ],
    }


async def test_entities_with_different_keys_are_different(host: Host) -> None:
    await host.hub.signal_entity("counter", "a@b", "add", '"1"')
    await host.hub.signal_entity("counter", "A@b", "add", '"2"')
    await host.until_idle()

    states, _ = await host.hub.list_entities()
    assert {state.key: state.state for state in states} == {"a@b": "1", "A@b": "2"}


async def test_an_orchestration_calls_an_entity_and_gets_answers(host: Host) -> None:
    state = await host.run("calls", [["add", 5], ["get", None], ["fail", None], ["get", None]])

    assert output(state) == [None, 5, ["Exception", "no such luck"], 5]
    [operation] = host.worker.batches[0]["batch"]
    assert UUID(operation.pop("id"))
    assert operation == {"name": "add", "input": '"5"', "isSignal": False}


async def test_a_call_is_an_event_sent_and_an_event_raised_under_one_guid(host: Host) -> None:
    state = await host.run("calls", [["get", None]])
    history = await host.hub.history(state.instance_id)
    [sent] = [event for event in history if event["EventType"] == EventType.EVENT_SENT]
    [raised] = [event for event in history if event["EventType"] == EventType.EVENT_RAISED]
    request = json.loads(sent["Input"])

    assert (sent["InstanceId"], sent["Name"], sent["EventId"]) == ("@counter@k", "op", 0)
    assert (request["op"], "signal" in request, request["parent"]) == ("get", False, state.instance_id)
    assert raised["Name"] == request["id"] == host.worker.batches[0]["batch"][0]["id"]
    assert json.loads(raised["Input"])["result"] == "0"


async def test_messages_to_one_entity_carry_times_in_their_order(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        for key in ("k", "k", "other"):
            context.signal_entity(EntityId("counter", key), "add", 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        context.signal_entity(EntityId("counter", "k"), "add", 1)

    state = await host.run("orch")
    history = await host.hub.history(state.instance_id)
    requests = [json.loads(event["Input"]) for event in history if event["EventType"] == EventType.EVENT_SENT]

    never = "0001-01-01T00:00:00"
    assert [(request["Timestamp"], request["Predecessor"]) for request in requests] == [
        ("2026-01-01T00:00:00.0000000Z", never),
        ("2026-01-01T00:00:00.0000001", "2026-01-01T00:00:00.0000000Z"),
        ("2026-01-01T00:00:00.0000000Z", never),
        ("2026-01-01T00:01:00.0000000Z", "2026-01-01T00:00:00.0000001"),
    ]


async def test_calls_continue_after_a_restart_of_the_host(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.call_entity(EntityId("counter", "k"), "add", 1)
        yield context.wait_for_external_event("go")
        return (yield context.call_entity(EntityId("counter", "k"), "get"))

    instance_id = await host.start("orch")
    await host.until_idle()
    await host.stop()
    await host.raise_event(instance_id, "go")

    assert output(await host.ended(instance_id)) == 1


async def test_signals_of_an_orchestration_are_sent_also_when_it_ends_or_continues(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        context.signal_entity(EntityId("counter", "k"), "add", 1)
        if context.get_input() < 3:
            context.continue_as_new(context.get_input() + 1)

    await host.run("orch", 1)
    await host.until_idle()

    state = await host.hub.get_entity("counter", "k")
    assert state is not None
    assert state.state == "3"


async def test_a_destructed_entity_stays_without_a_state(host: Host) -> None:
    await host.hub.signal_entity("counter", "k", "add", '"5"')
    await host.until_idle()
    await host.hub.signal_entity("counter", "k", "delete", None)
    await host.until_idle()

    entity = await host.hub.get_entity("counter", "k")
    assert entity is not None
    assert (entity.exists, entity.state) == (False, None)
    assert [each.key for each in (await host.hub.list_entities())[0]] == ["k"]
    assert (await host.hub.list_entities(include_deleted=False))[0] == []
    assert output(await host.run("calls", [["get", None]])) == [0]
    assert (host.worker.batches[-1]["exists"], host.worker.batches[-1]["state"]) == (False, None)


async def test_an_entity_whose_first_operation_failed_is_there_without_a_state(host: Host) -> None:
    await host.hub.signal_entity("counter", "k", "fail", None)
    await host.until_idle()

    entity = await host.hub.get_entity("counter", "k")
    assert entity is not None
    assert not entity.exists


async def test_a_batch_that_cannot_run_fails_its_callers_and_keeps_the_state(host: Host) -> None:
    await host.hub.signal_entity("counter", "k", "add", '"5"')
    await host.until_idle()
    broken = json.dumps({"not": "a counter"})
    original = host.worker.run_entity

    async def run_entity(name: str, batch_json: str, trace: TraceContext) -> str:
        batch = json.loads(batch_json)
        batch["batch"][0]["name"] = None  # the SDK refuses the whole batch
        return await original(name, json.dumps(batch), trace)

    host.worker.run_entity = run_entity  # type: ignore[method-assign]
    state = await host.run("calls", [["add", broken]])

    [[kind, text]] = output(state)
    assert (kind, "missing a name field" in text) == ("Exception", True)
    entity = await host.hub.get_entity("counter", "k")
    assert entity is not None
    assert entity.state == "5"


async def test_signals_that_an_entity_sends_reach_their_entity(host: Host) -> None:
    original = host.worker.run_entity

    async def run_entity(name: str, batch_json: str, trace: TraceContext) -> str:
        answer = json.loads(await original(name, batch_json, trace))
        if json.loads(batch_json)["self"]["key"] == "first":
            answer["signals"] = [
                {"target": {"name": "Counter", "key": "second"}, "name": "add", "input": '"8"'}
            ]
        return json.dumps(answer)

    host.worker.run_entity = run_entity  # type: ignore[method-assign]
    await host.hub.signal_entity("counter", "first", "add", '"1"')
    await host.until_idle()

    state = await host.hub.get_entity("counter", "second")
    assert state is not None
    assert state.state == "8"


async def test_a_client_cannot_signal_an_unknown_entity_and_an_orchestration_waits_forever_for_it(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.call_entity(EntityId("nowhere", "k"), "get")

    with pytest.raises(ArgumentError, match="known entity functions: 'Counter'"):
        await host.hub.signal_entity("nowhere", "k", "get", None)
    instance_id = await host.start("orch")
    await host.until_idle()
    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    assert "The function 'nowhere' doesn't exist" in caplog.text


async def test_entities_are_listed_in_pages(host: Host) -> None:
    for number in range(5):
        await host.hub.signal_entity("counter", str(number), "add", '"1"')
    await host.until_idle()

    first, token = await host.hub.list_entities("Counter", top=3)
    rest, end = await host.hub.list_entities("counter", top=3, continuation=token)

    assert [state.key for state in (*first, *rest)] == ["0", "1", "2", "3", "4"]
    assert end is None
    assert await host.hub.list_entities("other") == ([], None)
    assert await host.hub.list_entities(last_operation_to=host.clock.now().replace(year=2020)) == ([], None)


async def test_operations_from_many_orchestrations_are_all_applied_once(host: Host) -> None:
    @host.worker.orchestrator
    def add(context):
        yield context.call_entity(EntityId("counter", "k"), "add", context.get_input())

    ids = [await host.start("add", number) for number in range(30)]
    for instance_id in ids:
        await host.ended(instance_id)

    assert output(await host.run("calls", [["get", None]])) == [sum(range(30))]
