"""A wrong request of any kind is answered with a 4xx that names the fields, and starts nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.machine import LocalMachine
from tests.end_to_end.harness import App, sample_request

SECRET = "hunter2-do-not-repeat"

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
not_text = any_json.filter(lambda value: not isinstance(value, str) and value is not None)
not_whole = any_json.filter(
    lambda value: value is not None and (isinstance(value, bool) or not isinstance(value, int))
)
bad_uri = not_text | st.sampled_from(
    [" ", "data", "/etc/passwd", "file:///etc/passwd", "http://a.blob.core.windows.net/c", "azureml:",
     "azureml://elsewhere/x", f"https://a.blob.core.windows.net/c?sig={SECRET}",
     f"https://user:{SECRET}@a.blob.core.windows.net/c", "https://a.blob.core.windows.net/c#x", "x" * 3_000]
)  # fmt: skip


def could_be_whole(value: Any) -> bool:
    """Also empty text, which counts as absent."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, str) and not value.strip(" +-.0123456789")


bad_seconds = (
    not_whole.filter(lambda value: not could_be_whole(value))
    | st.integers(max_value=0)
    | st.integers(min_value=30 * 86_400 + 1)
)
bad_name = not_text | st.sampled_from(["a b", "-a", "a/b", "é", "a" * 300, "a\r\nX-Evil: 1"])
bad_choice = any_json.filter(lambda value: value not in ("cancel", "leave", "UriFolder", "UriFile", "", None))

BAD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "endpoint_uri": not_text | st.text(min_size=1, max_size=40),
    "endpoint_input_uri": bad_uri,
    "endpoint_input_type": bad_choice,
    "endpoint_output_uri": bad_uri | st.just("azureml://datastores/d/paths/{date}/p.csv"),
    "poll_interval": bad_seconds.filter(lambda v: v is not None) | st.just(86_401),
    "deployment": bad_name,
    "experiment": bad_name,
    "run_id": not_text | st.sampled_from([".", "-a", "a/b", "a b", "@a", "a#b", "a" * 101, "é", "a\n"]),
    "queue_timeout": bad_seconds.filter(lambda v: v is not None),
    "timeout": bad_seconds.filter(lambda v: v is not None),
    "on_timeout": bad_choice,
    "inputs": any_json.filter(lambda value: value not in (None, "")),
    "outputs": any_json.filter(lambda value: value not in (None, "")),
    "overrides": any_json.filter(lambda value: value not in (None, "", {})),
    "tags": st.just({"a b": "x"}) | st.just({"team": 5}) | st.text(min_size=1, max_size=9),
    "client_secret": st.just(SECRET),
}


def assert_refused(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert problem["errors"]
    assert SECRET not in answer.text


@pytest.fixture(scope="module", autouse=True)
def nothing_started(machine: LocalMachine) -> Iterator[None]:
    app = App(machine.url)

    def run_ids() -> set[str]:
        return {run["run_id"] for run in app.list(top=200).json()["runs"]}

    before = run_ids()
    assert len(before) < 200
    yield
    assert run_ids() == before


@pytest.mark.parametrize("field", sorted(BAD_VALUES))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_wrong_field_is_named(app: App, field: str, data: st.DataObject) -> None:
    value = data.draw(BAD_VALUES[field])
    request = sample_request() | {field: value}
    answer = app.post(request)

    assert_refused(answer)
    named = {error["field"].partition(".")[0] for error in answer.json()["errors"]}
    assert field in named or (field in ("inputs", "outputs") and "endpoint_input_uri" in named)


def test_all_wrong_fields_are_named_at_once(app: App) -> None:
    wrong = {
        "endpoint_uri": "https://evil.example/jobs",
        "endpoint_input_uri": "nowhere",
        "endpoint_input_type": "Folder",
        "endpoint_output_uri": "https://a.blob.core.windows.net/c?sig=x",
        "poll_interval": 0,
        "deployment": "a b",
        "queue_timeout": -1,
        "timeout": "long",
        "on_timeout": "panic",
        "client_secret": SECRET,
    }
    answer = app.post(wrong)

    assert_refused(answer)
    assert {error["field"] for error in answer.json()["errors"]} == set(wrong)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"1", b"NaN", b"\xff\xfe", b'{"a": NaN}', b'{"run_id": "\\ud800"}',
     b"[" * 50_000, b'{"endpoint_input_uri": "' + b"x" * 70_000 + b'"}'],
    ids=lambda body: str(body[:12]),
)  # fmt: skip
def test_a_body_that_is_not_a_request_is_refused(app: App, body: bytes) -> None:
    assert_refused(app.post(data=body, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("key", ["", "a/b", "-x", "x" * 101, "@x"])
def test_a_wrong_idempotency_key_is_refused(app: App, key: str) -> None:
    request = sample_request(run_id=None)
    answer = app.post(request, headers={"Idempotency-Key": key})

    assert_refused(answer)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=any_json)
def test_any_json_is_refused_with_reasons(app: App, body: Any) -> None:
    answer = app.post(data=json.dumps(body).encode())

    assert_refused(answer)


@pytest.mark.parametrize(
    "params",
    [
        {"top": "0"},
        {"top": "x"},
        {"top": "9999"},
        {"phase": "Done"},
        {"started_from": "yesterday"},
        {"unknown": "1"},
    ],
)
def test_a_wrong_query_is_refused(app: App, params: dict[str, str]) -> None:
    assert_refused(app.list(**params))


def test_an_unknown_run_is_not_found(app: App) -> None:
    answer = requests.get(f"{app.url}/api/batch-runs/nobody", timeout=30)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
