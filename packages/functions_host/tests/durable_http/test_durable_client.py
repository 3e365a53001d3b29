"""The durable SDK's own client against the host, each call with each outcome."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

APP = "features"
UNKNOWN = "no-such-instance"


def test_start_new(host: Any) -> None:
    started = host.client("start_new", orchestration_function_name="RoundTrip", client_input={"a": [1, "é"]})
    status = host.ended(started["result"])
    assert status["input"] == '{"a": [1, "\\u00e9"]}'
    assert status["output"]["value"] == {"a": [1, "é"]}


@pytest.mark.parametrize("value", [None, 5, 0, "text", "", [], {}, False, [1, None], 'quo"ted'])
def test_every_kind_of_input_comes_through(host: Any, value: Any) -> None:
    started = host.client("start_new", orchestration_function_name="RoundTrip", client_input=value)
    assert host.ended(started["result"])["output"]["value"] == value


def test_start_new_with_id_and_version(host: Any) -> None:
    started = host.client(
        "start_new",
        orchestration_function_name="RoundTrip",
        instance_id="client start",
        client_input=1,
        version="7",
    )
    assert started == {"result": "client start"}
    assert host.ended("client start")["output"] == {"value": 1, "version": "7", "instance": "client start"}


def test_start_new_of_an_unknown_orchestrator(host: Any) -> None:
    started = host.client("start_new", orchestration_function_name="nobody")
    ended = host.ended(started["result"])
    assert (ended["runtimeStatus"], "The function 'nobody' doesn't exist" in ended["output"]) == (
        "Failed",
        True,
    )


def test_start_new_on_a_running_id_raises(host: Any, waiting: str) -> None:
    error = host.client("start_new", orchestration_function_name="waiting", instance_id=waiting)["error"]
    assert error == "{'Message': 'An Orchestration instance with the status Running already exists.'}"


def test_start_new_on_an_ended_id_replaces_it(host: Any) -> None:
    host.run("chain", ["old"], "client-replaced")
    host.client("start_new", orchestration_function_name="plain_return", instance_id="client-replaced")
    host.until(lambda: host.status("client-replaced")["output"] == "no yield", "replacement")


def test_get_status(host: Any, completed: str) -> None:
    status = host.client("get_status", instance_id=completed, show_history=True, show_history_output=True)
    assert status["result"]["runtimeStatus"] == "Completed"
    assert status["result"]["output"] == ["Hello Ada!"]
    assert host.client("get_status", instance_id=UNKNOWN) == {"result": None}


def test_get_status_all_and_by(host: Any, completed: str, waiting: str) -> None:
    def ids(result: dict[str, Any]) -> set[str]:
        return {status["instanceId"] for status in result["result"]}

    assert {completed, waiting} <= ids(host.client("get_status_all"))
    assert ids(host.client("get_status_by", instance_id_prefix="wait")) == {waiting}


def test_raise_event_arrives_as_text(host: Any) -> None:
    host.start("waiting", instance_id="client-event")
    raised = host.client(
        "raise_event", instance_id="client-event", event_name="approval", event_data={"k": 1}
    )
    assert raised == {"result": None}
    assert host.ended("client-event")["output"] == '{"k": 1}', "the Python client encodes twice"


def test_raise_event_without_data(host: Any) -> None:
    host.start("waiting", instance_id="client-event-null")
    host.client("raise_event", instance_id="client-event-null", event_name="approval")
    assert host.ended("client-event-null")["output"] == "null"


def test_raise_event_with_task_hub(host: Any) -> None:
    host.start("waiting", instance_id="client-event-hub")
    host.client(
        "raise_event",
        instance_id="client-event-hub",
        event_name="approval",
        task_hub_name="FeaturesHub",
        connection_name="Storage",
    )
    assert host.ended("client-event-hub")["runtimeStatus"] == "Completed"


def test_raise_event_errors(host: Any, completed: str) -> None:
    unknown = host.client("raise_event", instance_id=UNKNOWN, event_name="go")
    assert unknown["error"] == f"No instance with ID {UNKNOWN} found."
    gone = host.client("raise_event", instance_id=completed, event_name="go")
    assert gone["error"] == f"Instance with ID {completed} is gone: either completed or failed"


@pytest.mark.parametrize("method", ["terminate", "suspend", "resume"])
def test_operations_on_ended_and_unknown_instances(host: Any, completed: str, method: str) -> None:
    assert host.client(method, instance_id=completed, reason="x") == {"result": None}
    assert (
        host.client(method, instance_id=UNKNOWN, reason="x")["error"]
        == f"No instance with ID '{UNKNOWN}' found."
    )


def test_terminate_with_a_reason_to_quote(host: Any) -> None:
    host.start("waiting", instance_id="client-terminate")
    assert host.client("terminate", instance_id="client-terminate", reason="a & b? é/") == {"result": None}
    assert host.ended("client-terminate")["output"] == "a & b? é/"


def test_suspend_and_resume(host: Any) -> None:
    host.start("waiting", instance_id="client-suspend")
    host.reached("client-suspend", "Running")
    host.client("suspend", instance_id="client-suspend", reason="pause")
    host.reached("client-suspend", "Suspended")
    host.client("resume", instance_id="client-suspend", reason="go on")
    host.reached("client-suspend", "Running")
    host.client("terminate", instance_id="client-suspend", reason="")


def test_rewind(host: Any, completed: str, waiting: str) -> None:
    host.run("rewindable", {"key": "client-rewind", "failures": 1}, "client-rewind")
    assert host.client("rewind", instance_id="client-rewind", reason="fixed") == {"result": None}
    assert host.reached("client-rewind", "Completed")["output"] == 2
    assert "has status Completed" in host.client("rewind", instance_id=completed, reason="x")["error"]
    assert "has status Running" in host.client("rewind", instance_id=waiting, reason="x")["error"]
    assert UNKNOWN in host.client("rewind", instance_id=UNKNOWN, reason="x")["error"]


def test_restart_returns_the_payload(host: Any, completed: str) -> None:
    restarted = host.client("restart", instance_id=completed)["result"]
    assert restarted["id"] != completed
    assert restarted["statusQueryGetUri"].startswith(host.url)
    assert host.ended(restarted["id"])["output"] == ["Hello Ada!"]
    same = host.client("restart", instance_id=restarted["id"], restart_with_new_instance_id=False)["result"]
    assert same["id"] == restarted["id"]
    assert "error" in host.client("restart", instance_id=UNKNOWN)


def test_purge(host: Any) -> None:
    host.run("plain_return", instance_id="client-purge")
    assert host.client("purge_instance_history", instance_id="client-purge") == {"result": 1}
    assert host.client("purge_instance_history", instance_id="client-purge") == {"result": 0}


def test_entities(host: Any) -> None:
    entity = ["Counter", "client"]
    assert host.client("read_entity_state", entity=entity) == {"result": {"exists": False, "state": None}}
    signal = {"entity": entity, "operation_name": "add"}
    assert host.client("signal_entity", **signal, operation_input=4) == {"result": None}
    host.until(
        lambda: host.client("read_entity_state", entity=entity)["result"] == {"exists": True, "state": 4},
        "entity state",
    )


def test_check_status_response_uses_the_callers_origin(host: Any) -> None:
    answer = host.call(
        "POST", "/api/start/plain_return?id=client-origin", headers={"Host": "proxy.example:8080"}
    )
    assert answer.status_code == 202
    location = "http://proxy.example:8080/runtime/webhooks/durabletask/instances/client-origin"
    assert answer.headers["Location"] == f"{location}?taskHub=FeaturesHub&connection=Storage"
    assert answer.headers["Retry-After"] == "10"
    assert answer.json()["statusQueryGetUri"] == answer.headers["Location"]


def test_management_payload(host: Any) -> None:
    payload = host.call("GET", "/api/payload/any").json()
    assert payload["id"] == "any"
    assert payload["rewindPostUri"] == (
        f"{host.url}/runtime/webhooks/durabletask/instances/any/rewind"
        "?reason={text}&taskHub=FeaturesHub&connection=Storage"
    )


@pytest.mark.parametrize(
    ("orchestrator", "status", "text"),
    [
        ("plain_return", 200, "no yield"),
        ("failing", 500, '"runtimeStatus": "Failed"'),
        ("waiting", 202, '"statusQueryGetUri"'),
    ],
)
def test_wait_for_completion(host: Any, orchestrator: str, status: int, text: str) -> None:
    milliseconds = 200 if status == 202 else 10_000
    answer = host.call("POST", f"/api/wait/{orchestrator}?ms={milliseconds}")
    assert answer.status_code == status
    assert text in answer.text


def test_an_activity_can_ask_about_its_own_instance(host: Any) -> None:
    assert host.run("asks_the_client")["output"] == "Running"


def test_statuses_by_time_and_state(host: Any) -> None:
    """The client appends Z to the times that it is given, so they must be UTC."""
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    by_state = host.call("GET", f"/api/by_state?since={since.replace('+', '%2B')}").json()
    assert "Completed" in by_state
    assert set(by_state) <= {"Completed", "Failed"}
