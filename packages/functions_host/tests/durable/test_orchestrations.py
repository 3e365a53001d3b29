"""Starting, running and ending orchestrations, and the texts of their failures."""

import json
from pathlib import Path

import pytest
from azure.durable_functions import RetryOptions

from functions_host.durable import replay
from functions_host.durable.errors import ArgumentError, OrchestrationAlreadyExistsError
from functions_host.durable.events import EventType
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


async def test_activities_in_sequence_give_the_output(host: Host) -> None:
    @host.worker.activity
    def add_one(number):
        return number + 1

    @host.worker.orchestrator
    def twice(context):
        first = yield context.call_activity("add_one", context.get_input())
        return (yield context.call_activity("add_one", first))

    state = await host.run("twice", 1)

    assert (state.runtime_status, output(state)) == (RuntimeStatus.COMPLETED, 3)
    assert state.input == '"1"'


async def test_an_orchestrator_without_yield_returns_at_once(host: Host) -> None:
    @host.worker.orchestrator
    def plain(context):
        return {"got": context.get_input()}

    assert output(await host.run("plain", [1, 2])) == {"got": [1, 2]}


async def test_input_over_raw_http_arrives_as_the_object_it_is(host: Host) -> None:
    @host.worker.orchestrator
    def plain(context):
        return context.get_input()

    instance_id = await host.hub.start("plain", '{"a": 1}')

    assert output(await host.ended(instance_id)) == {"a": 1}


async def test_without_input_get_input_is_none(host: Host) -> None:
    @host.worker.orchestrator
    def plain(context):
        return str(context.get_input())

    assert output(await host.run("plain")) == "None"


async def test_a_failed_activity_is_raised_with_reason_and_details(host: Host) -> None:
    @host.worker.activity
    def act(_):
        raise ValueError("boom")

    @host.worker.orchestrator
    def orch(context):
        try:
            yield context.call_activity("act", None)
        except Exception as error:
            return [type(error).__name__, str(error)]

    kind, text = output(await host.run("orch"))

    reason, details = text.split(" \n ")
    assert kind == "Exception"
    assert reason == "Activity function 'act' failed:  ValueError: boom"
    assert json.loads(details)["Message"] == " ValueError: boom"


async def test_a_raising_orchestrator_fails_with_the_error_that_the_sdk_reports(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime)
        raise ValueError("no luck")

    state = await host.run("orch")

    assert state.runtime_status == RuntimeStatus.FAILED
    assert output(state) == "Orchestrator function 'orch' failed: no luck"


async def test_an_error_without_text_shows_its_type(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime)
        raise ValueError

    assert output(await host.run("orch")) == "Orchestrator function 'orch' failed: <class 'ValueError'>"


async def test_an_orchestrator_that_cannot_run_shows_the_message_of_the_worker(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        raise ImportError("no module named batch")

    text = output(await host.run("orch"))

    assert text.startswith(
        "Orchestrator function 'orch' failed: Result: Failure\nException: ImportError: no mod"
    )


async def test_output_that_is_not_json_fails_the_orchestration(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime)
        return {1, 2}

    state = await host.run("orch")

    assert state.runtime_status == RuntimeStatus.FAILED
    assert "set is not JSON serializable" in output(state)


async def test_an_activity_that_returns_nothing_has_a_null_result(host: Host) -> None:
    @host.worker.activity
    def act(_):
        return None

    @host.worker.orchestrator
    def orch(context):
        return [(yield context.call_activity("act", None))]

    state = await host.run("orch")
    [completed] = [e for e in await host.hub.history(state.instance_id) if e["EventType"] == 5]

    assert output(state) == [None]
    assert completed["Result"] is None


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("activity", lambda context: context.call_activity("nowhere", 1)),
        ("orchestrator", lambda context: context.call_sub_orchestrator("nowhere", 1)),
    ],
)
async def test_an_orchestration_waits_forever_for_a_function_that_the_app_does_not_have(
    host: Host, kind: str, call, caplog: pytest.LogCaptureFixture
) -> None:
    @host.worker.activity
    def known(_):
        return None

    @host.worker.orchestrator
    def orch(context):
        yield call(context)

    instance_id = await host.start("orch")
    await host.until_idle()

    assert await host.status(instance_id) is RuntimeStatus.RUNNING
    assert len(host.worker.contexts) == 1
    assert await host.kinds(instance_id) == [
        EventType.ORCHESTRATOR_STARTED,
        EventType.EXECUTION_STARTED,
        EventType.ORCHESTRATOR_COMPLETED,
    ]
    known_names = {"activity": "known", "orchestrator": "orch"}[kind]
    assert (
        f"Instance {instance_id} of orch waits forever for a function that the app does not have. "
        f"The function 'nowhere' doesn't exist, is disabled, or is not an {kind} function. "
        f"Additional info: The following are the known {kind} functions: '{known_names}'."
    ) in caplog.messages


async def test_names_of_functions_are_case_insensitive(host: Host) -> None:
    @host.worker.activity
    def act(number):
        return number

    @host.worker.orchestrator
    def orch(context):
        return (yield context.call_activity("ACT", 7))

    assert output(await host.run("ORCH")) == 7


async def test_an_unknown_orchestrator_is_accepted_and_fails_without_a_run(host: Host) -> None:
    state = await host.run("nowhere")
    assert state.runtime_status is RuntimeStatus.FAILED
    assert "No orchestrator functions are currently registered" in output(state)


@pytest.mark.parametrize("bad_id", ["a/b", "a\nb", "x" * 257, ""])
async def test_bad_instance_ids_are_refused(host: Host, bad_id: str) -> None:
    @host.worker.orchestrator
    def orch(context):
        return None

    with pytest.raises(ArgumentError):
        await host.start("orch", instance_id=bad_id)


async def test_an_instance_id_is_generated_when_none_is_given(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        return context.instance_id

    state = await host.run("orch")

    assert output(state) == state.instance_id
    assert len(state.instance_id) == 32


async def test_a_running_instance_is_not_replaced_but_an_ended_one_is(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.wait_for_external_event("go")
        return context.get_input()

    await host.start("orch", "first", instance_id="one")
    await host.until_idle()
    with pytest.raises(OrchestrationAlreadyExistsError, match="with the status Running already exists"):
        await host.start("orch", "second", instance_id="one")
    await host.raise_event("one", "go")
    assert output(await host.ended("one")) == "first"

    await host.start("orch", "third", instance_id="one")
    await host.raise_event("one", "go")

    assert output(await host.ended("one")) == "third"
    assert len(await host.hub.history("one")) == 5


async def test_the_default_version_of_the_host_is_in_the_history_unless_the_start_gives_one(
    host: Host,
) -> None:
    @host.worker.orchestrator
    def orch(context):
        return context.version

    assert output(await host.run("orch")) == "1.0"
    assert output(await host.run("orch", version="2.5")) == "2.5"


async def test_half_a_surrogate_pair_passes_through(host: Host) -> None:
    @host.worker.activity
    def act(text):
        return text + "-\udc00"

    @host.worker.orchestrator
    def orch(context):
        context.set_custom_status("\ud800")
        return (yield context.call_activity("act", context.get_input()))

    state = await host.run("orch", "\ud800")

    assert output(state) == "\ud800-\udc00"
    assert json.loads(state.custom_status or "") == "\ud800"


async def test_a_hundred_thousand_actions_are_too_many(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_ORCHESTRATION_ACTIONS", 5)

    @host.worker.activity
    def fails(_):
        raise ValueError

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity_with_retry("fails", RetryOptions(1, 9))

    assert output(await host.run("orch")) == (
        "Orchestrator function 'orch' failed: Maximum amount of orchestration actions (5) has been reached. "
        "Continue as new, or fan out through sub-orchestrations."
    )


async def test_every_activity_of_a_fan_out_counts(host: Host) -> None:
    @host.worker.activity
    def square(number):
        return number * number

    @host.worker.orchestrator
    def fan(context):
        return sum((yield context.task_all([context.call_activity("square", n) for n in range(200)])))

    assert output(await host.run("fan")) == sum(n * n for n in range(200))


async def test_with_any_state_overridable_a_running_instance_is_replaced(tmp_path: Path) -> None:
    host = Host(tmp_path / "hub.db", HubOptions(overridable_states="AnyState"))

    @host.worker.orchestrator
    def orch(context):
        got = yield context.wait_for_external_event("go")
        return [context.get_input(), got]

    await host.start("orch", "first", instance_id="one")
    await host.until_idle()
    await host.start("orch", "second", instance_id="one")
    await host.until_idle()
    await host.raise_event("one", "go", 1)

    assert output(await host.ended("one")) == ["second", 1]
    await host.stop()
