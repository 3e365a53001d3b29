"""The management API gives the same answers as the durable extension 3.19.0, request by request.

``recorded/answers-3.19.0.jsonl`` has the requests in the order in which they were sent, each with its answer; hosts,
keys and stack traces are replaced there. Here a small app (``apps/recorded``) creates the same instances and
entities, so whatever comes from the app is not compared: inputs, states, custom statuses, outputs, times.
test_recorded_history.py compares the history events.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from packages.functions_host.tests.recordings import recording

README = Path(__file__).parents[2] / "README.md"
RECORDS = recording("answers")
RUNS = {
    "rec-done": {"job": "batchjob-cb35ef81-6b00-48c4-9f70-5d955d5ea7d1", "end": "completes"},
    "rec-failed": {"job": "batchjob-fcd3e6a8-2ea8-4d8a-8cee-fd04608bf6ba", "end": "fails"},
    "rec-key": {"job": "batchjob-bbf033b5-7c13-406a-93d5-78aa82840b40", "end": "breaks"},
    "rec-key2": {"job": "batchjob-4c858dcb-16f1-4d4e-8445-e20d3dcb7b1f", "end": "breaks"},
    "rec-waits": {"job": "batchjob-b8f8fca1-befd-47d5-a585-a827d1d72295", "end": "waits"},
}
COMPARED_HEADERS = ("Content-Type", "Location", "Retry-After", "x-ms-continuation-token")

# The deliberate differences, and why. The README says the same.
DELIBERATE = {
    "`code=`": "This host requires no key, like the Core Tools, so its URLs have none.",
    "`sorter`": "The messages to an entity arrive in order here; there is nothing to sort.",
    "`StackTrace`": "There is no .NET code.",
    "words for bad JSON": "The messages of Python's parser differ from those of .NET's.",
    "order of known functions": "Alphabetical, independent of the order in the app.",
    "type of an empty answer": "The HTTP server sends `application/octet-stream`, the real host none.",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z")
_HIDDEN = "…"


@pytest.fixture(scope="module")
def answers(start_host: Callable[..., Any]) -> list[dict[str, Any]]:
    """Each recorded request, sent to this host; ``status``, ``headers`` and ``body`` as in the records."""
    host = start_host("recorded")
    first = None
    for instance_id, run in RUNS.items():
        started = host.call("POST", f"/api/start/{instance_id}", json=run)
        first = first or started
    for instance_id in RUNS:
        if instance_id != "rec-waits":
            host.ended(instance_id)
    host.until(lambda: host.status("rec-waits").get("customStatus"), "the run that waits")

    def wake_up() -> None:
        host.durable("POST", "instances/rec-waits/raiseEvent/nudge", json={})
        host.reached("rec-waits", "Running")

    # What the recorder did, or waited for, before a request.
    before: Mapping[str, Callable[[], Any]] = {
        "get suspended": lambda: host.reached("rec-waits", "Suspended"),
        "resume": wake_up,
        "get terminated": lambda: host.ended("rec-waits"),
        "purge filter": lambda: host.ended("rec-x"),
    }
    played = [_answer(host.url, first)]
    for record in RECORDS[1:]:
        before.get(record["name"], lambda: None)()
        options = {name: record[name] for name in ("params", "json", "data") if record.get(name) is not None}
        headers = record.get("headers_sent") or {}
        played.append(
            _answer(host.url, host.call(record["method"], record["path"], headers=headers, **options))
        )
    return played


@pytest.mark.parametrize(
    "number", range(len(RECORDS)), ids=[f"{number}-{each['name']}" for number, each in enumerate(RECORDS)]
)
def test_the_answer_is_that_of_the_extension(answers: list[dict[str, Any]], number: int) -> None:
    ours, recorded = answers[number], RECORDS[number]
    assert ours["status"] == recorded["status"]
    assert _comparable_headers(ours) == _comparable_headers(recorded)
    compared, expected = _comparable(ours["body"]), _comparable(recorded["body"])
    assert compared == expected
    # The order of the fields must be the same, too.
    assert json.dumps(compared) == json.dumps(expected)


def test_the_readme_has_the_differences() -> None:
    _, _, section = README.read_text().partition("## What differs from the real host on purpose")
    assert [what for what in DELIBERATE if what not in section] == []


def _answer(url: str, response: Any) -> dict[str, Any]:
    is_json = response.content and "json" in response.headers["Content-Type"]
    return {
        "status": response.status_code,
        "headers": {name: value.replace(url, "http://HOST") for name, value in response.headers.items()},
        "body": json.loads(response.text.replace(url, "http://HOST")) if is_json else response.text,
    }


def _comparable_headers(answer: Mapping[str, Any]) -> dict[str, str]:
    headers = {name.lower(): _comparable(value) for name, value in answer["headers"].items()}
    if answer["body"] == "":
        headers.pop("content-type", None)
    return {name: headers[name.lower()] for name in COMPARED_HEADERS if name.lower() in headers}


def _comparable(value: Any) -> Any:
    """Without values of the app, and without the deliberate differences."""
    match value:
        case str():
            hub_hidden = re.sub("taskHub=[^&]*", "taskHub=HUB", value.replace("&code=SYSTEM-KEY", ""))
            return re.sub("functions: '.*'", lambda match: _sorted_words(match[0]), hub_hidden)
        case list():
            return [_comparable(each) for each in value]
        case {"instanceId": _}:
            return {name: _field_of_instance(value, name) for name in value}
        case {"entityId": _, "lastOperationTime": time, "state": state}:
            return {**value, "lastOperationTime": _hidden_time(time), "state": _hidden(state)}
        case {"Message": message, "ExceptionMessage": _, "StackTrace": _}:
            hidden = {"StackTrace"} | ({"ExceptionMessage"} if message == "Invalid JSON content" else set())
            return {name: _HIDDEN if name in hidden else text for name, text in value.items()}
        case dict():
            app_fields = {"runUri", "cancelPostUri"}
            return {name: _comparable(each) for name, each in value.items() if name not in app_fields}
    return value


def _field_of_instance(instance: Mapping[str, Any], name: str) -> Any:
    value = instance[name]
    match name:
        case "createdTime" | "lastUpdatedTime":
            return _hidden_time(value)
        case "historyEvents":
            return _HIDDEN
        case "input" if instance["instanceId"].startswith("@"):
            return {**value, "state": value["state"] == "null", "sorter": _HIDDEN}
        case "input" | "customStatus" if not instance["instanceId"].startswith("@"):
            return _hidden(value)
        case "output" if instance["runtimeStatus"] in {"Completed", "Failed"}:
            return type(value).__name__
    return value


def _hidden(value: Any) -> Any:
    return None if value is None else _HIDDEN


def _hidden_time(text: str) -> str:
    return _HIDDEN if _TIME.fullmatch(text) else text


def _sorted_words(text: str) -> str:
    return " ".join(sorted(re.findall(r"\w+", text)))
