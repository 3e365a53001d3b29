"""A run was accepted by the rules of its time. No later rule for requests is applied to it, in a replay or a GET."""

import json
from typing import Any

import pytest

from batch.api.request import parse_fields
from batch.errors import InvalidRequest
from batch.run.state import CancelCause, Cancellation, Run, SubmissionDoubt
from batch.run.steps import Failure, Invoke
from orchestrators.batch_run import bp
from tests.batch.builders import ENDPOINT_URI, INPUT_URI, START, settings, view_of
from tests.orchestrators.execution import Execution, handle_of
from tests.orchestrators.steps import CHECK, IDENTITY, JOB

BINDING = {"type": "UriFolder", "uri": INPUT_URI}
REFUSED_TODAY: list[dict[str, Any]] = [
    {"inputs": {"data": {"type": "UriFolder", "uri": "https://lake.blob.core.windows.net/in?sig=s3cr3t"}}},
    {"inputs": {"data": {"type": "UriFolder", "uri": "ftp://lake/in with blanks/"}}},
    {"inputs": {"data": {"type": "KindOfTomorrow", "uri": INPUT_URI}}},
    {"inputs": {"a name with blanks": BINDING}},
    {"inputs": {"data": {"type": "Literal", "value": "AccountKey=abc"}}},
    {"inputs": {}},
    {"inputs": {}, "unknown_field": {"nested": 1}},
    {"inputs": {"data": {"type": "UriFolder", "uri": "abfss://account.dfs.core.windows.net/in"}}},
    {"inputs": {"data": BINDING}, "outputs": {"scores": {"type": "UriFile", "uri": "{date}"}}},
    {"inputs": {"data": BINDING}, "endpoint_uri": "http://elsewhere.example/score"},
    {"inputs": {"data": BINDING}, "deployment": "no such name!"},
    {"inputs": {"data": BINDING}, "experiment": "no such name!"},
    {"inputs": {"data": BINDING}, "poll_interval": 1_000_000},
    {"inputs": {"data": BINDING}, "timeout": 10**9, "queue_timeout": 10**9},
    {"inputs": {"data": BINDING}, "on_timeout": "ask"},
]


def _state(fields: dict[str, Any]) -> dict[str, Any]:
    accepted = {"endpoint_uri": ENDPOINT_URI, "outputs": {}, "poll_interval": 120, "timeout": 86_400}
    return {"request": {**accepted, "on_timeout": "cancel", **fields}}


@pytest.mark.parametrize("fields", REFUSED_TODAY)
def test_todays_rules_refuse_the_request(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        parse_fields(fields, None, settings())


@pytest.mark.parametrize("fields", REFUSED_TODAY)
def test_a_run_with_such_a_request_goes_on(fields: dict[str, Any]) -> None:
    handle = handle_of(bp, "batch_run")
    execution = Execution(handle, json.dumps(_state(fields)), START)
    execution.complete(IDENTITY)
    name, given = execution.answer.activity
    assert name == "invoke"
    Invoke.from_json(given)
    execution.complete(JOB)
    assert execution.answer.activity[0] == CHECK[0]
    execution.complete({"status": "Running", "cancel_requested": False})
    execution.fire()
    execution = execution.next()
    assert execution.answer.activity[0] == CHECK[0]
    assert (
        execution.complete({"status": "Completed", "cancel_requested": False}).output["outcome"]
        == "Completed"
    )


def test_the_error_code_of_another_version_does_not_stop_a_run() -> None:
    problem = {"code": "code_of_tomorrow", "message": "Because.", "retryable": True}
    state = {**_state(REFUSED_TODAY[0]), "job": JOB["job"], "problem": problem, "failures": 1}
    execution = Execution(handle_of(bp, "batch_run"), json.dumps(state), START)
    assert execution.answer.activity[0] == CHECK[0]
    assert Run.from_json(state).problem == Failure(
        code="code_of_tomorrow", message="Because.", retryable=True
    )


def test_the_error_code_of_another_version_is_not_taken_for_a_crash() -> None:
    problem = {"code": "code_of_tomorrow", "message": "Because.", "retryable": True}
    run = Run.from_json({**_state(REFUSED_TODAY[0]), "identity": {"client_id": "c"}, "problem": problem})
    assert run.submission is None


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("submission", "doubt_of_tomorrow", SubmissionDoubt.UNCERTAIN),
        (
            "cancellation",
            {"cause": "cause_of_tomorrow", "requested_at": "2026-01-31T12:00:00Z"},
            Cancellation(cause=CancelCause.REQUEST, requested_at=START),
        ),
    ],
)
def test_a_word_of_another_version_does_not_stop_a_run(field: str, value: object, read: object) -> None:
    assert getattr(Run.from_json({**_state(REFUSED_TODAY[0]), field: value}), field) == read


@pytest.mark.parametrize("fields", REFUSED_TODAY)
def test_a_run_with_such_a_request_is_shown(fields: dict[str, Any]) -> None:
    state = Run.from_json(json.loads(json.dumps(_state(fields))))
    view = view_of("Running", None, state=state)
    assert view["request"]["inputs"] == fields["inputs"]
