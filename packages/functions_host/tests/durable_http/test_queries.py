"""Management API: status, list and purge, with every status code."""

import re
from datetime import UTC, datetime
from typing import Any

APP = "features"
UNKNOWN = "no-such-instance"


def test_status_of_a_completed_instance(host: Any, completed: str) -> None:
    answer = host.durable("GET", f"instances/{completed}")
    status = answer.json()
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert "Retry-After" not in answer.headers
    assert list(status) == [
        "name",
        "version",
        "instanceId",
        "runtimeStatus",
        "input",
        "customStatus",
        "output",
        "createdTime",
        "lastUpdatedTime",
    ]
    assert status["name"] == "chain"
    assert status["version"] == "2.1"
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
        token, pages = answer.headers["x-ms-continuation-token"], pages + 1
        if not token:
            break
    assert seen == [f"api-page-{number}" for number in range(5)]
    assert pages == 3


def test_entities_are_listed_as_instances(host: Any, completed: str) -> None:
    host.durable("POST", "entities/counter/listed?op=add", data="5")
    entity = "@counter@listed"
    listed = host.until(
        lambda: host.durable("GET", f"instances?instanceIdPrefix={entity}").json(), "the entity in the list"
    )
    assert [each["instanceId"] for each in listed] == [entity]
    assert "version" not in listed[0]
    answer = host.durable("GET", f"instances/{entity}")
    assert (answer.status_code, answer.json()) == (202, listed[0])
    assert host.durable("GET", f"instances/{entity}?showHistory=true&showInput=false").json()["input"] is None
    everything = [each["instanceId"] for each in host.durable("GET", "instances?top=1000").json()]
    assert everything == sorted(everything)
    assert {entity, completed} <= set(everything)
    without = host.durable("GET", "instances?top=1000&runtimeStatus=Completed").json()
    assert entity not in [each["instanceId"] for each in without]


def test_entities_may_be_purged_at_any_time(host: Any) -> None:
    host.durable("POST", "entities/counter/purged?op=add", data="5")
    host.until(lambda: host.durable("GET", "entities/counter/purged").status_code == 200, "the entity")
    answer = host.durable("DELETE", "instances/@counter@purged")
    assert (answer.status_code, answer.json()) == (200, {"instancesDeleted": 1})
    assert host.durable("GET", "instances/@counter@purged").status_code == 404
    assert host.durable("GET", "entities/counter/purged").status_code == 404


def test_list_by_status(host: Any, completed: str, failed: str, waiting: str) -> None:
    def listed(query: str) -> set[str]:
        answer = host.durable("GET", f"instances/?top=1000&{query}")
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


def test_purge_of_one(host: Any) -> None:
    host.run("plain_return", instance_id="api-purge")
    answer = host.durable("DELETE", "instances/api-purge")
    assert (answer.status_code, answer.json()) == (200, {"instancesDeleted": 1})
    again = host.durable("DELETE", "instances/api-purge")
    assert (again.status_code, again.content) == (404, b"")
    assert host.durable("GET", "instances/api-purge").status_code == 404


def test_purge_of_a_running_one_is_refused(host: Any, waiting: str) -> None:
    answer = host.durable("DELETE", f"instances/{waiting}")
    assert answer.status_code == 412
    assert answer.json() == (
        "Only orchestrations in a terminal state can be purged, "
        f"but the orchestration with instance ID {waiting} has status Running"
    )
    assert host.durable("GET", f"instances/{waiting}").status_code == 202


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
