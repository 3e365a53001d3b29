"""The Event Grid webhook of a real host: handshakes, deliveries, and what the functions receive."""

import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from requests import Response

NEVER = "0 0 0 1 1 *"
PATH = "/runtime/webhooks/eventgrid"


@pytest.fixture(scope="module")
def host(start_host: Callable[..., Any], seen_file: Path) -> Any:
    return start_host("events", SEEN=str(seen_file), TICKS=NEVER)


def event(**data: Any) -> dict[str, Any]:
    return {
        "topic": "/subscriptions/s/t",
        "subject": "x",
        "eventType": "Test.Happened",
        "eventTime": "2017-06-26T18:41:00.9584103Z",
        "id": uuid.uuid4().hex,
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def cloud_event(**data: Any) -> dict[str, Any]:
    return {
        "source": "/subscriptions/s/t",
        "subject": "x",
        "type": "Test.Happened",
        "time": "2017-06-26T18:41:00.9584103Z",
        "id": uuid.uuid4().hex,
        "data": data,
        "specversion": "1.0",
    }


def post(host: Any, body: Any, function: str = "receive", kind: str | None = "Notification") -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if kind is None else {"aeg-event-type": kind}
    answer: Response = host.call("POST", f"{PATH}?functionName={function}", data=content, headers=headers)
    return answer


# --- handshakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("double_encoded", [False, True])
@pytest.mark.parametrize("in_array", [False, True])
@pytest.mark.parametrize("kind", ["SubscriptionValidation", "subscriptionvalidation"])
def test_the_validation_code_is_given_back(
    host: Any, seen: Any, kind: str, in_array: bool, double_encoded: bool
) -> None:
    data: Any = {"validationCode": "512d38b6-c7b8", "validationUrl": "https://example.com"}
    body = {**event(), "data": json.dumps(data) if double_encoded else data}
    answer = post(host, [body] if in_array else body, kind=kind)
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6-c7b8"})
    assert seen("receive") == []


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"[7]", b'{"data": null}', b'{"data": "x"}', b"[{}]"])
def test_a_validation_without_code_fails(host: Any, body: bytes) -> None:
    assert post(host, body, kind="SubscriptionValidation").status_code == 500


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("eventgrid.azure.net", "eventgrid.azure.net"),
        ("EventGrid.Azure.US", "eventgrid.azure.us"),
        ("eventgrid.azure.cn", "eventgrid.azure.cn"),
        ("evil.example", "eventgrid.azure.net"),
        (None, "eventgrid.azure.net"),
    ],
)
def test_cloud_events_ask_with_options(host: Any, origin: str | None, allowed: str) -> None:
    headers = {} if origin is None else {"WebHook-Request-Origin": origin}
    answer = host.call("OPTIONS", f"{PATH}?functionName=receive", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Webhook-Allowed-Origin"] == allowed
    assert "WebHook-Allowed-Rate" not in answer.headers


# --- addresses and kinds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("?functionName=nobody", "nobody"),
        ("?functionName=RECEIVE", "RECEIVE"),
        ("?functionName=daily", "daily"),
        ("", ""),
    ],
)
def test_only_event_grid_functions_are_found_by_exact_name(
    host: Any, method: str, query: str, name: str
) -> None:
    answer = host.call(method, f"{PATH}{query}", json=[event()], headers={"aeg-event-type": "Notification"})
    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{name}'")


@pytest.mark.parametrize("path", ["/runtime/webhooks/EventGrid", "/runtime/webhooks/EVENTGRID"])
def test_the_path_is_case_insensitive_and_a_key_is_not_needed(host: Any, seen: Any, path: str) -> None:
    headers = {"aeg-event-type": "notification"}
    for query in ("?functionName=receive", "?code=secret&FUNCTIONNAME=receive"):
        assert host.call("POST", path + query, json=[event()], headers=headers).status_code == 202
    assert len(seen("receive")) == 2


@pytest.mark.parametrize(("kind", "status"), [("Unsubscribe", 202), ("Gossip", 400), ("", 400), (None, 400)])
def test_other_kinds_of_delivery(host: Any, seen: Any, kind: str | None, status: int) -> None:
    answer = post(host, [event()], kind=kind)
    assert (answer.status_code, answer.content) == (status, b"")
    assert seen("receive") == []


def test_only_post_and_options_are_answered(host: Any) -> None:
    assert host.call("GET", f"{PATH}?functionName=receive").status_code == 400


# --- notifications ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_array", [False, True])
@pytest.mark.parametrize(
    ("made", "kind"), [(event, "EventGridEvent"), (cloud_event, "CloudEvent")], ids=["eventgrid", "cloud"]
)
def test_the_function_gets_the_event(host: Any, seen: Any, made: Any, kind: str, in_array: bool) -> None:
    sent = made(text="é💎", nested={"list": [1, None, 2.5]})
    answer = post(host, [sent] if in_array else sent)
    assert (answer.status_code, answer.content) == (202, b"")
    assert seen("receive") == [
        {
            "by": "receive",
            "kind": kind,
            "id": sent["id"],
            "data": {"text": "é💎", "nested": {"list": [1, None, 2.5]}},
            "type": "Test.Happened",
            "from": "/subscriptions/s/t",
            "time": "2017-06-26T18:41:00.958410+00:00",
        }
    ]


@pytest.mark.parametrize("made", [event, cloud_event], ids=["eventgrid", "cloud"])
def test_a_function_that_asks_for_text_gets_every_event(host: Any, seen: Any, made: Any) -> None:
    """The classes of the SDK are made only of an event whose time the SDK can read."""
    sent = {**made(text="é💎"), "eventTime": "yesterday", "time": "yesterday"}
    assert post(host, [sent], "read").status_code == 202
    assert seen("read") == [{"by": "read", "event": sent}]

    answer = post(host, [sent])
    assert (answer.status_code, seen("receive")) == (500, [])
    assert "ValueError: time data 'yesterday' does not match format" in answer.text


def test_an_event_without_any_known_field_still_reaches_the_function(host: Any, seen: Any) -> None:
    assert post(host, {"unknown": 1}).status_code == 202
    assert seen("receive")[0]["id"] is None


def test_an_empty_array_is_accepted(host: Any, seen: Any) -> None:
    assert post(host, []).status_code == 202
    assert seen("receive") == []


def test_the_events_of_a_delivery_are_handled_concurrently(host: Any, seen: Any) -> None:
    events = [event(party=5) for _ in range(5)]
    assert post(host, events, "meet").status_code == 202
    assert {note["id"] for note in seen("meet")} == {one["id"] for one in events}


def test_one_failure_fails_the_delivery_with_its_text_although_the_others_are_handled(
    host: Any, seen: Any
) -> None:
    events = [event(failures=0), event(failures=1), event(failures=0)]
    answer = post(host, events, "refuse")
    assert answer.status_code == 500
    assert f"RuntimeError: no room for {events[1]['id']}" in answer.text
    assert {note["id"] for note in seen("refuse")} == {events[0]["id"], events[2]["id"]}
    assert f"RuntimeError: no room for {events[1]['id']}" in host.log()

    assert post(host, events, "refuse").status_code == 202
    assert sorted(note["attempt"] for note in seen("refuse")) == [1, 1, 2, 2, 2]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'["text"]', b"7", b"[" * 100_000])
def test_what_is_not_an_event_fails(host: Any, seen: Any, body: bytes) -> None:
    assert post(host, body).status_code == 500
    assert seen("receive") == []


def test_a_thousand_events_in_one_delivery(host: Any, seen: Any) -> None:
    events = [event(number=number) for number in range(1000)]
    assert post(host, events).status_code == 202
    assert {note["id"] for note in seen("receive")} == {one["id"] for one in events}


def test_an_event_function_can_use_the_durable_client(host: Any) -> None:
    sent = event(blob="a")
    assert post(host, [sent], "start").status_code == 202
    assert host.ended(sent["id"])["output"] == {"blob": "a"}


def test_deliveries_at_the_same_time_do_not_disturb_each_other(host: Any, seen: Any) -> None:
    answers: list[int] = []
    batches = [[event() for _ in range(20)] for _ in range(8)]

    def deliver(batch: list[dict[str, Any]]) -> None:
        answers.append(post(host, batch).status_code)

    threads = [threading.Thread(target=deliver, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [202] * 8
    assert {note["id"] for note in seen("receive")} == {one["id"] for batch in batches for one in batch}


# --- by hand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["receive", "Receive"])
def test_an_event_function_runs_by_hand(host: Any, seen: Any, name: str) -> None:
    sent = event(by="hand")
    answer = host.call("POST", f"/admin/functions/{name}", json={"input": json.dumps(sent)})
    assert (answer.status_code, answer.content) == (202, b"")
    assert host.until(lambda: seen("receive"), "the run")[0]["data"] == {"by": "hand"}


def test_a_failure_by_hand_is_logged(host: Any) -> None:
    sent = event(failures=1)
    answer = host.call("POST", "/admin/functions/refuse", json={"input": json.dumps(sent)})
    assert answer.status_code == 202
    host.until(lambda: f"no room for {sent['id']}" in host.log(), "the log line")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nobody", b"{}", 404),
        ("receive", b"", 400),
        ("receive", b"[]", 400),
        ("receive", b'{"input": {}}', 400),
        ("receive", b'{"input": "[]"}', 400),
        ("receive", b'{"input": "{"}', 400),
        ("noting", b'{"input": "{}"}', 400),
    ],
)
def test_what_cannot_be_run_by_hand_is_refused(host: Any, name: str, body: bytes, status: int) -> None:
    assert host.call("POST", f"/admin/functions/{name}", data=body).status_code == status


def test_the_announcement_has_the_webhook_and_the_schedules(host: Any) -> None:
    assert f"  receive: {host.url}{PATH}?functionName=receive\n" in host.announced
    assert "  yearly: 0 0 0 1 1 *\n" in host.announced
    assert "Not served" not in host.announced
