"""Management API: starting orchestrations, with every status code."""

import re
from typing import Any
from urllib.parse import unquote

import pytest

APP = "features"


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


def test_orchestrator_names_are_case_insensitive(host: Any) -> None:
    assert host.durable("POST", "orchestrators/PLAIN_return").status_code == 202


def test_start_with_a_version(host: Any) -> None:
    given = host.durable("POST", "orchestrators/RoundTrip?Version=9", data="{}").json()["id"]
    default = host.durable("POST", "orchestrators/RoundTrip", data="{}").json()["id"]
    assert host.ended(given)["output"]["version"] == "9"
    assert host.ended(default)["output"]["version"] == "2.1"


def test_start_of_an_unknown_orchestrator_fails_later(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/nobody/api-unknown")
    assert answer.status_code == 202
    ended = host.ended("api-unknown")
    assert ended["runtimeStatus"] == "Failed"
    assert "The function 'nobody' doesn't exist" in ended["output"]


def test_start_with_invalid_json(host: Any) -> None:
    answer = host.durable("POST", "orchestrators/chain/api-bad-json", data="{not json")
    assert answer.status_code == 400
    error = answer.json()
    assert error["Message"] == "Invalid JSON content"
    assert error["ExceptionType"] == "Newtonsoft.Json.JsonReaderException"
    assert {"ExceptionMessage", "StackTrace"} <= set(error)
    assert host.durable("GET", "instances/api-bad-json").status_code == 404


@pytest.mark.parametrize("instance_id", ["@x", "@x@", "a%3Fb", "a%23b", "a%5Cb", "x" * 101])
def test_start_with_an_odd_id(host: Any, instance_id: str) -> None:
    answer = host.durable("POST", f"orchestrators/plain_return/{instance_id}")
    assert answer.status_code == 202
    assert answer.json()["id"] == unquote(instance_id)
    assert host.ended(instance_id)["output"] == "no yield"
    assert host.durable("DELETE", f"instances/{instance_id}").json() == {"instancesDeleted": 1}


@pytest.mark.parametrize("instance_id", ["a%0Ab", "x" * 257])
def test_start_with_a_bad_id(host: Any, instance_id: str) -> None:
    answer = host.durable("POST", f"orchestrators/chain/{instance_id}")
    assert answer.status_code == 400
    assert answer.json()["ExceptionMessage"]


def test_start_on_a_running_id(host: Any, waiting: str) -> None:
    answer = host.durable("POST", f"orchestrators/waiting/{waiting}")
    assert answer.status_code == 409
    assert answer.json() == {"Message": "An Orchestration instance with the status Running already exists."}


def test_start_on_an_ended_id_replaces_it(host: Any) -> None:
    assert host.run("chain", ["one"], "api-again")["output"] == ["Hello one!"]
    answer = host.durable("POST", "orchestrators/plain_return/api-again")
    assert answer.status_code == 202
    host.until(lambda: host.status("api-again")["output"] == "no yield", "the new output")
    history = host.status("api-again", "?showHistory=true")["historyEvents"]
    assert [event["EventType"] for event in history] == ["ExecutionStarted", "ExecutionCompleted"]


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


def test_start_and_wait_ends_after_the_timeout(host: Any) -> None:
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
