"""Every route of the durable HTTP management API with every status code, called as an HTTP client would."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

APP = "features"
UNKNOWN = "no-such-instance"


@pytest.fixture(scope="module")
def completed(host: Any) -> str:
    host.run("chain", ["Ada"], "api-completed")
    return "api-completed"


@pytest.fixture(scope="module")
def failed(host: Any) -> str:
    host.run("failing", instance_id="api-failed")
    return "api-failed"


@pytest.fixture(scope="module")
def waiting(host: Any) -> str:
    host.start("waiting", instance_id="api-waiting")
    host.until(lambda: host.status("api-waiting").get("customStatus"), "custom status")
    return "api-waiting"


# --- start ----------------------------------------------------------------------------------------------


def test_start_answers_with_the_management_urls(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/chain/api-start", json=["Eve"])
    instance = f"{host.url}/runtime/webhooks/durabletask/instances/api-start"
    query = "taskHub=FeaturesHub&connection=Storage"
    assert answer.status_code == 202
    assert answer.json() == {
        "id": "api-start",
        "statusQueryGetUri": f"{instance}?{query}",
        "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{instance}?{query}",
        "restartPostUri": f"{instance}/restart?{query}",
        "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
    }
    assert answer.headers["Location"] == f"{instance}?{query}"
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    host.ended("api-start")


def test_start_makes_an_id_of_32_hex_digits(host: Any) -> None:
    instance_id = host.durable("POST", "orchestrators/plain_return").json()["id"]
    assert re.fullmatch("[0-9a-f]{32}", instance_id)
    assert host.ended(instance_id)["output"] == "no yield"


def test_an_object_sent_raw_reaches_the_orchestrator(host: Any) -> None:
    instance_id = host.durable("POST", "orchestrators/RoundTrip", data='{"k": [1, "é"]}'.encode()).json()[
        "id"
    ]
    status = host.ended(instance_id)
    assert status["input"] == {"k": [1, "é"]}
    assert status["output"]["value"] == {"k": [1, "é"]}


def test_orchestrator_names_have_no_case(host: Any) -> None:
    assert host.durable("POST", "orchestrators/PLAIN_return").status_code == 202


def test_start_with_a_version(host: Any) -> None:
    given = host.durable("POST", "orchestrators/RoundTrip?Version=9", data="{}").json()["id"]
    default = host.durable("POST", "orchestrators/RoundTrip", data="{}").json()["id"]
    assert host.ended(given)["output"]["version"] == "9"
    assert host.ended(default)["output"]["version"] == "2.1"


def test_start_of_an_unknown_orchestrator(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/nobody")
    assert answer.status_code == 400
    error = answer.json()
    assert error["Message"] == "One or more of the arguments submitted is incorrect"
    assert "The function 'nobody' doesn't exist" in error["ExceptionMessage"]
    assert error["ExceptionType"] == "System.ArgumentException"
    assert "StackTrace" in error


def test_start_with_invalid_json(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/chain/api-bad-json", data="{not json")
    assert answer.status_code == 400
    assert answer.json()["Message"].startswith("Invalid JSON content")
    assert host.durable("GET", "instances/api-bad-json").status_code == 404


@pytest.mark.parametrize("instance_id", ["@x", "a%3Fb", "a%23b", "a%5Cb", "a%0Ab", "x" * 257])
def test_start_with_a_bad_id(host: Any, instance_id: str) -> None:
    answer = host.durable("POST", f"orchestrators/chain/{instance_id}")
    assert answer.status_code == 400
    assert answer.json()["ExceptionMessage"]


def test_start_on_a_running_id(host: Any, waiting: str) -> None:
    answer = host.durable("POST", f"orchestrators/waiting/{waiting}")
    assert answer.status_code == 500
    assert answer.json()["Message"] == "Something went wrong while processing your request"
    assert "already exists" in answer.json()["ExceptionMessage"]


def test_start_on_an_ended_id_replaces_it(host: Any) -> None:
    assert host.run("chain", ["one"], "api-again")["output"] == ["Hello one!"]
    answer = host.durable("POST", "orchestrators/plain_return/api-again")
    assert answer.status_code == 202
    host.until(lambda: host.status("api-again")["output"] == "no yield", "the new output")
    history = host.status("api-again", "?showHistory=true")["historyEvents"]
    assert [event["EventType"] for event in history] == ["ExecutionStarted", "ExecutionCompleted"]


# --- start and wait -------------------------------------------------------------------------------------


def test_start_and_wait_returns_the_output(host: Any) -> None:
    answer = host.durable(
        "POST", "orchestrators/RoundTrip/api-wait?timeout=10&pollingInterval=0.02", data='{"a": 1}'
    )
    assert answer.status_code == 200
    assert answer.json()["value"] == {"a": 1}


def test_start_and_wait_of_a_failure_is_its_status(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/failing?timeout=10&pollingInterval=0.02")
    assert answer.status_code == 200
    assert answer.json()["runtimeStatus"] == "Failed"


def test_start_and_wait_gives_up_after_the_timeout(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/waiting/api-wait-long?timeout=0.2&pollingInterval=0.05")
    assert answer.status_code == 202
    assert answer.json()["id"] == "api-wait-long"
    host.durable("POST", "instances/api-wait-long/terminate")


def test_start_and_wait_with_an_interval_above_the_timeout(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/plain_return?timeout=1&pollingInterval=2")
    assert answer.status_code == 400
    assert answer.json()["ExceptionMessage"] == "Total timeout 1 should be bigger than retry timeout 2"


@pytest.mark.parametrize("query", ["timeout=5", "pollingInterval=1", "timeout=soon&pollingInterval=1"])
def test_start_waits_only_with_both_numbers(host: Any, query: str) -> None:
    answer = host.durable("POST", f"orchestrators/waiting?{query}")
    assert answer.status_code == 202
    host.durable("POST", f"instances/{answer.json()['id']}/terminate")


# --- status ---------------------------------------------------------------------------------------------


def test_status_of_a_completed_instance(host: Any, completed: str) -> None:
    answer = host.durable("GET", f"instances/{completed}")
    status = answer.json()
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert "Retry-After" not in answer.headers
    assert list(status) == [
        "name",
        "instanceId",
        "runtimeStatus",
        "input",
        "customStatus",
        "output",
        "createdTime",
        "lastUpdatedTime",
    ]
    assert status["name"] == "chain"
    assert status["instanceId"] == completed
    assert status["runtimeStatus"] == "Completed"
    assert status["input"] == '["Ada"]', "the Python client encodes twice"
    assert status["output"] == ["Hello Ada!"]
    assert status["customStatus"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["createdTime"])


def test_status_of_a_running_instance(host: Any, waiting: str) -> None:
    answer = host.durable("GET", f"instances/{waiting}?showInput=true")
    assert answer.status_code == 202
    assert (
        answer.headers["Location"]
        == f"{host.url}/runtime/webhooks/durabletask/instances/{waiting}?showInput=true"
    )
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["runtimeStatus"] == "Running"
    assert answer.json()["customStatus"] == {"waiting": "approval"}


def test_status_of_a_failed_instance(host: Any, failed: str) -> None:
    answer = host.durable("GET", f"instances/{failed}")
    assert answer.status_code == 200
    assert answer.json()["runtimeStatus"] == "Failed"
    assert answer.json()["output"].startswith("Orchestrator function 'failing' failed: ")
    as_error = host.durable("GET", f"instances/{failed}?returnInternalServerErrorOnFailure=TRUE")
    assert as_error.status_code == 500
    assert as_error.json() == answer.json()


def test_status_of_an_unknown_instance(host: Any) -> None:
    answer = host.durable("GET", f"instances/{UNKNOWN}")
    assert (answer.status_code, answer.content) == (404, b"")


def test_status_without_input(host: Any, completed: str) -> None:
    assert host.status(completed, "?showInput=false")["input"] is None
    assert host.status(completed, "?SHOWINPUT=maybe")["input"] == '["Ada"]'


def test_status_with_history(host: Any, completed: str) -> None:
    plain = host.status(completed, "?showHistory=true&showInput=false")["historyEvents"]
    assert [event["EventType"] for event in plain] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert not any("Result" in event or "Input" in event for event in plain)
    assert not any("EventId" in event or "IsPlayed" in event for event in plain)
    full = host.status(completed, "?showhistory=True&showHistoryOutput=true")["historyEvents"]
    assert full[0]["FunctionName"] == "chain"
    assert full[1]["FunctionName"] == "greet"
    assert full[1]["Result"] == "Hello Ada!"
    assert full[1]["ScheduledTime"] <= full[1]["Timestamp"]
    assert full[2]["OrchestrationStatus"] == "Completed"
    assert full[2]["Result"] == ["Hello Ada!"]


# --- list -----------------------------------------------------------------------------------------------


def test_list_filters_and_pages(host: Any) -> None:
    for number in range(5):
        host.run("plain_return", instance_id=f"api-page-{number}")
    seen: list[str] = []
    token, pages = "", 0
    while True:
        answer = host.durable(
            "GET",
            "instances?instanceIdPrefix=api-page-&top=2&showInput=false",
            headers={"x-ms-continuation-token": token},
        )
        assert answer.status_code == 200
        assert len(answer.json()) <= 2
        seen += [status["instanceId"] for status in answer.json()]
        token, pages = answer.headers.get("x-ms-continuation-token", ""), pages + 1
        if not token:
            break
    assert sorted(seen) == [f"api-page-{number}" for number in range(5)]
    assert pages >= 3


def test_list_by_status(host: Any, completed: str, failed: str, waiting: str) -> None:
    def listed(query: str) -> set[str]:
        answer = host.durable("GET", f"instances/?instanceIdPrefix=api-&top=1000&{query}")
        return {status["instanceId"] for status in answer.json()}

    assert {completed, failed, waiting} <= listed("")
    only_failed = listed("runtimeStatus=Failed")
    assert failed in only_failed
    assert not {completed, waiting} & only_failed
    assert {completed, failed} <= listed("runtimeStatus=Completed,Failed")
    assert {completed, failed} <= listed("runtimeStatus=Completed&RuntimeStatus=Failed")
    assert {completed, waiting} <= listed("runtimeStatus=Odd")


def test_list_by_time(host: Any, completed: str) -> None:
    created = host.status(completed)["createdTime"]

    def listed(query: str) -> bool:
        answer = host.durable("GET", f"instances?instanceIdPrefix={completed}&{query}")
        return bool(answer.json())

    assert listed(f"createdTimeFrom={created}")
    assert not listed("createdTimeFrom=2999-01-01T00:00:00Z")
    assert listed("createdTimeTo=2999-01-01T00:00:00Z")
    assert not listed("createdTimeTo=2000-01-01T00:00:00Z")
    assert listed("createdTimeFrom=tomorrow&top=many")


# --- purge ----------------------------------------------------------------------------------------------


def test_purge_of_one(host: Any) -> None:
    host.run("plain_return", instance_id="api-purge")
    answer = host.durable("DELETE", "instances/api-purge")
    assert (answer.status_code, answer.json()) == (200, {"instancesDeleted": 1})
    again = host.durable("DELETE", "instances/api-purge")
    assert (again.status_code, again.content) == (404, b"")
    assert host.durable("GET", "instances/api-purge").status_code == 404


def test_purge_of_many(host: Any, completed: str, failed: str) -> None:
    window = f"createdTimeFrom={datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    host.run("plain_return", instance_id="purge-many-1")
    host.run("failing", instance_id="purge-many-2")
    host.start("waiting", instance_id="purge-many-3")
    answer = host.durable("DELETE", f"instances/?{window}&runtimeStatus=Failed")
    assert answer.status_code == 200
    assert answer.json()["instancesDeleted"] >= 1
    assert host.durable("GET", "instances/purge-many-2").status_code == 404
    assert host.durable("GET", "instances/purge-many-1").status_code == 200
    assert host.durable("DELETE", f"instances?{window}").json()["instancesDeleted"] >= 1
    assert host.durable("GET", "instances/purge-many-1").status_code == 404
    assert host.durable("GET", "instances/purge-many-3").status_code == 202, "running ones stay"
    assert host.durable("GET", f"instances/{completed}").status_code == 200, "older ones stay"
    host.durable("POST", "instances/purge-many-3/terminate")


def test_purge_of_none_and_without_a_start_time(host: Any) -> None:
    nothing = host.durable("DELETE", "instances?createdTimeFrom=2999-01-01T00:00:00Z")
    assert (nothing.status_code, nothing.content) == (404, b"")
    for query in ("", "?createdTimeFrom=whenever"):
        answer = host.durable("DELETE", f"instances/{query}")
        assert answer.status_code == 400
        assert answer.json() == "Please provide value for 'createdTimeFrom' parameter."


# --- operations on one instance -------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume", "rewind"])
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
    assert host.durable("POST", "instances/api-suspend/resume").status_code == 500
    assert host.durable("POST", "instances/api-suspend/suspend?reason=pause").status_code == 202
    host.reached("api-suspend", "Suspended")
    assert host.durable("GET", "instances/api-suspend").status_code == 202
    assert host.durable("POST", "instances/api-suspend/suspend").status_code == 500
    assert host.durable("POST", "instances/api-suspend/raiseEvent/approval", json="yes").status_code == 202
    assert host.durable("POST", "instances/api-suspend/resume?reason=go").status_code == 202
    assert host.ended("api-suspend")["output"] == "yes"


def test_rewind(host: Any, waiting: str) -> None:
    running = host.durable("POST", f"instances/{waiting}/rewind?reason=x")
    assert running.status_code == 500
    assert (
        running.json()["ExceptionMessage"]
        == "The rewind operation is only supported on failed orchestration instances."
    )
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
    assert unknown.json()["ExceptionMessage"] == "InstanceId does not match a valid orchestration instance."
    running = host.durable("POST", f"instances/{waiting}/restart?restartWithNewInstanceId=False")
    assert running.status_code == 500


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
        assert bad.json()["Message"].startswith("Invalid JSON content")
    accepted = host.durable(
        "POST",
        "instances/api-event/RAISEEVENT/approval",
        data='{"by": "Ada"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert host.ended("api-event")["output"] == {"by": "Ada"}


# --- entities -------------------------------------------------------------------------------------------


def test_entity_read_signal_delete(host: Any) -> None:
    missing = host.durable("GET", "entities/Counter/api-e")
    assert (missing.status_code, missing.content) == (404, b"")
    signalled = host.durable("POST", "entities/Counter/api-e?OP=add", json="5")
    assert (signalled.status_code, signalled.content) == (202, b"")
    host.until(lambda: host.durable("GET", "entities/counter/api-e").text == "5", "entity state")
    assert host.durable("DELETE", "entities/Counter/api-e").status_code == 202
    host.until(lambda: host.durable("GET", "entities/counter/api-e").status_code == 404, "entity gone")


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
        token = answer.headers.get("x-ms-continuation-token", "")
        if not token:
            break
    assert sorted(keys) == ["list-0", "list-1", "list-2"]
    without_state = host.durable("GET", "entities?top=1").json()
    assert without_state[0]["state"] is None
    assert host.durable("GET", "entities/nosuch").json() == []
    assert host.durable("GET", "entities/counter?lastOperationTimeFrom=2999-01-01").json() == []
    assert host.durable("GET", "entities/counter?lastOperationTimeTo=2000-01-01").json() == []


# --- everything else ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "orchestrators/chain"),
        ("POST", "orchestrators"),
        ("POST", "orchestrators/chain/id/more"),
        ("PUT", "instances/api-completed"),
        ("POST", "instances"),
        ("POST", "instances/api-completed"),
        ("GET", "instances/api-completed/terminate"),
        ("POST", "instances/api-completed/explode"),
        ("GET", "instances/api-completed/raiseEvent/x"),
        ("POST", "instances/api-completed/raiseEvent/a/b"),
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
