"""Management API: operations on one instance, entities, and unknown routes, with every status code."""

from typing import Any

import pytest

APP = "features"
UNKNOWN = "no-such-instance"


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
def test_operations_on_unknown_and_completed_instances(host: Any, completed: str, operation: str) -> None:
    unknown = host.durable("POST", f"instances/{UNKNOWN}/{operation}?reason=x")
    assert (unknown.status_code, unknown.content) == (404, b"")
    gone = host.durable("POST", f"instances/{completed}/{operation}?reason=x")
    assert (gone.status_code, gone.content) == (410, b"")


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
def test_operations_on_failed_instances(host: Any, failed: str, operation: str) -> None:
    assert host.durable("POST", f"instances/{failed}/{operation}").status_code == 410


def test_terminate(host: Any) -> None:
    host.start("waiting", instance_id="api-terminate")
    answer = host.durable("POST", "instances/api-terminate/TERMINATE?Reason=not%20needed")
    assert (answer.status_code, answer.content) == (202, b"")
    status = host.ended("api-terminate")
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "not needed")
    assert host.durable("POST", "instances/api-terminate/terminate").status_code == 410


def test_suspend_and_resume(host: Any) -> None:
    host.start("waiting", instance_id="api-suspend")
    host.reached("api-suspend", "Running")
    refused = host.durable("POST", "instances/api-suspend/resume")
    assert refused.status_code == 500
    assert refused.json()["ExceptionMessage"] == (
        "Cannot resume the orchestration instance api-suspend because instance is in the Running state."
    )
    assert host.durable("POST", "instances/api-suspend/suspend?reason=pause").status_code == 202
    assert host.reached("api-suspend", "Suspended")["output"] == "pause"
    assert host.durable("GET", "instances/api-suspend").status_code == 202
    again = host.durable("POST", "instances/api-suspend/suspend")
    assert again.status_code == 500
    assert again.json()["ExceptionMessage"] == (
        "Cannot suspend the orchestration instance api-suspend because instance is in the Suspended state."
    )
    assert host.durable("POST", "instances/api-suspend/resume?reason=go").status_code == 202
    assert host.reached("api-suspend", "Running")["output"] == "go"
    assert host.durable("POST", "instances/api-suspend/raiseEvent/approval", json="yes").status_code == 202
    assert host.ended("api-suspend")["output"] == "yes"


def test_an_event_resumes_a_suspended_instance(host: Any) -> None:
    host.start("waiting", instance_id="api-wake")
    host.reached("api-wake", "Running")
    host.durable("POST", "instances/api-wake/suspend?reason=pause")
    host.reached("api-wake", "Suspended")
    assert host.durable("POST", "instances/api-wake/raiseEvent/approval", json="yes").status_code == 202
    assert host.ended("api-wake")["output"] == "yes"


def test_rewind(host: Any, waiting: str, completed: str) -> None:
    for instance_id, status in ((waiting, "Running"), (completed, "Completed")):
        refused = host.durable("POST", f"instances/{instance_id}/rewind?reason=x")
        assert refused.status_code == 412
        assert refused.json() == (
            f'This orchestration has status {status}, but only orchestrations in the "Failed" state can be rewound.'
        )
    unknown = host.durable("POST", f"instances/{UNKNOWN}/rewind?reason=x")
    assert unknown.status_code == 404
    assert unknown.json() == f'No orchestration with instance ID "${UNKNOWN}" found.'
    failed = host.run("rewindable", {"key": "api-rewind", "failures": 1}, "api-rewind")
    assert failed["runtimeStatus"] == "Failed"
    answer = host.durable("POST", "instances/api-rewind/rewind?reason=fixed")
    assert (answer.status_code, answer.content) == (202, b"")
    assert host.reached("api-rewind", "Completed")["output"] == 2


def test_restart(host: Any, completed: str, waiting: str) -> None:
    answer = host.durable("POST", f"instances/{completed}/restart")
    assert answer.status_code == 202
    new_id = answer.json()["id"]
    assert new_id != completed
    assert answer.headers["Location"] == answer.json()["statusQueryGetUri"]
    assert host.ended(new_id)["output"] == ["Hello Ada!"]
    same = host.durable("POST", f"instances/{new_id}/restart?restartWithNewInstanceId=false")
    assert (same.status_code, same.json()["id"]) == (202, new_id)
    assert host.ended(new_id)["output"] == ["Hello Ada!"]
    unknown = host.durable("POST", f"instances/{UNKNOWN}/restart")
    assert unknown.status_code == 400
    assert unknown.json()["Message"] == "InstanceId does not match a valid orchestration instance."
    assert unknown.json()["ExceptionMessage"] == (
        f"No instance with ID '{UNKNOWN}' was found. (Parameter 'instanceId')"
    )
    running = host.durable("POST", f"instances/{waiting}/restart?restartWithNewInstanceId=False")
    assert running.status_code == 409
    assert running.json()["Message"] == "A non-terminal instance with this instance ID already exists."


def test_restart_with_options(host: Any, completed: str, waiting: str) -> None:
    path = f"instances/{completed}/restartWithOptions"
    without = host.durable("POST", path)
    assert without.status_code == 400
    assert without.json() == {"Message": "A new orchestration instance ID must be provided."}
    answer = host.durable("POST", f"{path}?newInstanceId=api-restarted&version=7")
    assert (answer.status_code, answer.json()["id"]) == (202, "api-restarted")
    ended = host.ended("api-restarted")
    assert (ended["output"], ended["version"]) == (["Hello Ada!"], "7")
    assert host.durable("POST", f"{path}?newInstanceId={waiting}").status_code == 409


def test_raise_event(host: Any, completed: str) -> None:
    unknown = host.durable("POST", f"instances/{UNKNOWN}/raiseEvent/go", data="not json")
    assert (unknown.status_code, unknown.content) == (404, b"")
    gone = host.durable("POST", f"instances/{completed}/raiseEvent/go", data="not json")
    assert (gone.status_code, gone.content) == (410, b"")
    host.start("waiting", instance_id="api-event")
    path = "instances/api-event/raiseEvent/approval"
    for options in ({"data": "{}", "headers": {"Content-Type": "text/plain"}}, {"data": b""}):
        wrong = host.durable("POST", path, **options)
        assert wrong.status_code == 400
        assert wrong.json() == {"Message": "Only application/json request content is supported"}
    for body in ("{bad", ""):
        bad = host.durable("POST", path, data=body, headers={"Content-Type": "application/json"})
        assert bad.status_code == 400
        assert bad.json()["Message"] == "Invalid JSON content"
        assert bad.json()["ExceptionType"] == "Newtonsoft.Json.JsonReaderException"
    accepted = host.durable(
        "POST",
        "instances/api-event/RAISEEVENT/approval",
        data='{"by": "Ada"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert host.ended("api-event")["output"] == {"by": "Ada"}


def test_entity_read_signal_delete(host: Any) -> None:
    missing = host.durable("GET", "entities/Counter/api-e")
    assert (missing.status_code, missing.content) == (404, b"")
    signalled = host.durable("POST", "entities/Counter/api-e?OP=add", json="5")
    assert (signalled.status_code, signalled.content) == (202, b"")
    host.until(lambda: host.durable("GET", "entities/counter/api-e").text == "5", "entity state")
    assert host.durable("DELETE", "entities/Counter/api-e").status_code == 202
    host.until(lambda: host.durable("GET", "entities/counter/api-e").text == "null", "entity deleted")
    assert host.durable("GET", "entities/counter/api-e").status_code == 200
    instance = host.durable("GET", "instances/@counter@api-e").json()
    assert (instance["input"], instance["customStatus"]) == ({"state": "null", "sorter": {}}, {})


def test_deleted_entities_are_listed_with_their_states_only(host: Any) -> None:
    host.durable("POST", "entities/Counter/api-deleted?op=add", json="5")
    host.durable("DELETE", "entities/Counter/api-deleted")
    host.until(lambda: host.durable("GET", "entities/counter/api-deleted").text == "null", "entity deleted")

    def listed(query: str) -> list[Any]:
        entities = host.durable("GET", f"entities/counter?top=1000&{query}").json()
        return [each["state"] for each in entities if each["entityId"]["key"] == "api-deleted"]

    assert listed("fetchState=true") == [None]
    assert listed("") == []


def test_a_signal_to_an_unknown_entity(host: Any) -> None:
    answer = host.durable("POST", "entities/nowhere/key?op=add", json="5")
    assert answer.status_code == 400
    assert list(answer.json()) == ["Message"]
    assert "The following are the known entity functions: 'Counter'" in answer.json()["Message"]


def test_entity_with_an_empty_key(host: Any) -> None:
    assert host.durable("POST", "entities/Counter/$?op=add", json="7").status_code == 202
    host.until(lambda: host.durable("GET", "entities/Counter/$").text == "7", "entity state")


def test_entity_signal_with_bad_json_or_text(host: Any) -> None:
    bad = host.durable(
        "POST", "entities/Counter/api-x?op=add", data="{", headers={"Content-Type": "application/json"}
    )
    assert bad.status_code == 400
    assert bad.json()["Message"].startswith("Could not parse JSON content: ")
    text = host.durable(
        "POST", "entities/Counter/api-text?op=add", data="4", headers={"Content-Type": "text/plain"}
    )
    assert text.status_code == 202
    host.until(lambda: host.durable("GET", "entities/Counter/api-text").text == "4", "entity state")
    assert host.durable("POST", "entities?op=add").status_code == 400
    assert host.durable("PUT", "entities/Counter/api-x").status_code == 404


def test_entities_are_listed_in_pages(host: Any) -> None:
    for number in range(3):
        host.durable("POST", f"entities/Counter/list-{number}?op=add", json=str(number))
    for number in range(3):
        host.until(
            lambda number=number: host.durable("GET", f"entities/Counter/list-{number}").ok, "entity state"
        )
    keys: list[str] = []
    token = ""
    while True:
        answer = host.durable(
            "GET", "entities/counter?top=2&fetchState=true", headers={"x-ms-continuation-token": token}
        )
        assert answer.status_code == 200
        for entity in answer.json():
            assert entity["entityId"]["name"] == "counter"
            assert entity["lastOperationTime"].endswith("Z")
            if entity["entityId"]["key"].startswith("list-"):
                keys.append(entity["entityId"]["key"])
                assert entity["state"] == int(entity["entityId"]["key"][-1])
        token = answer.headers["x-ms-continuation-token"]
        if not token:
            break
    assert keys == ["list-0", "list-1", "list-2"]
    without_state = host.durable("GET", "entities?top=1").json()
    assert without_state[0]["state"] is None
    assert host.durable("GET", "entities/nosuch").json() == []
    assert host.durable("GET", "entities/counter?lastOperationTimeFrom=2999-01-01").json() == []
    assert host.durable("GET", "entities/counter?lastOperationTimeTo=2000-01-01").json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "orchestrators/chain"),
        ("POST", "orchestrators"),
        ("POST", "orchestrators/chain/id/more"),
        ("PUT", "instances/completed"),
        ("POST", "instances"),
        ("POST", "instances/completed"),
        ("GET", "instances/completed/terminate"),
        ("POST", "instances/completed/explode"),
        ("GET", "instances/completed/raiseEvent/x"),
        ("POST", "instances/completed/raiseEvent/a/b"),
        ("GET", "entities/a/b/c"),
        ("GET", "elsewhere"),
        ("GET", ""),
    ],
)
def test_wrong_routes_and_verbs(host: Any, completed: str, method: str, path: str) -> None:
    answer = host.durable(method, path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_make_primary(host: Any) -> None:
    assert host.durable("POST", "makeprimary/").status_code == 200


def test_another_task_hub_is_refused(host: Any, completed: str) -> None:
    assert host.durable("GET", f"instances/{completed}?taskHub=featureshub&connection=x").status_code == 200
    answer = host.durable("GET", f"instances/{completed}?TaskHub=Other")
    assert answer.status_code == 400
    assert "'Other'" in answer.json()["ExceptionMessage"]
