"""Deliveries over HTTP to a webhook with scripted answers."""

import json
import logging
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.event_grid import (
    Batching,
    Disturbance,
    Event,
    EventFilter,
    EventGrid,
    HandshakeError,
    RetryPolicy,
    Schema,
    Subscription,
    Tally,
)
from tests.local.event_grid.receiver import Received, Receiver
from tests.waiting import wait_for

LIMIT = 10.0
SCHEMAS = list(Schema)


def event(number: int = 0, **data: Any) -> Event:
    return Event(topic="/t", subject=f"s/{number}", type="Test.Happened", data=data, id=f"id-{number}")


def subscribe(grid: EventGrid, receiver: Receiver, **fields: Any) -> None:
    grid.subscribe(Subscription(**{"name": "test", "url": receiver.url, **fields}))


# --- handshake ----------------------------------------------------------------------------------------------


def test_the_event_grid_handshake(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver)
    [asked] = receiver.handshakes
    assert asked.method == "POST"
    assert asked.headers["aeg-event-type"] == "SubscriptionValidation"
    [validation] = asked.json
    assert validation["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"


def test_the_cloud_events_handshake(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver, schema=Schema.CLOUD_EVENTS)
    [asked] = receiver.handshakes
    assert (asked.method, asked.body) == ("OPTIONS", b"")
    assert asked.headers["webhook-request-origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        (Schema.EVENT_GRID, (200, {}, b"")),
        (Schema.EVENT_GRID, (200, {}, b"[]")),
        (Schema.EVENT_GRID, (200, {}, b'{"validationResponse": "wrong"}')),
        (Schema.EVENT_GRID, (404, {}, b"cannot find function")),
        (Schema.CLOUD_EVENTS, (200, {}, b"")),
        (Schema.CLOUD_EVENTS, (200, {"WebHook-Allowed-Origin": "elsewhere.example"}, b"")),
        (Schema.CLOUD_EVENTS, (404, {"WebHook-Allowed-Origin": "*"}, b"")),
    ],
)
def test_without_a_proper_handshake_there_is_no_subscription(
    grid: EventGrid, receiver: Receiver, schema: Schema, answer: tuple[int, dict[str, str], bytes]
) -> None:
    receiver.handshake = lambda _: answer
    with pytest.raises(HandshakeError, match=str(answer[0])):
        subscribe(grid, receiver, schema=schema)
    grid.publish(event())
    grid.wait_until_idle(LIMIT)
    assert receiver.deliveries == []


def test_an_endpoint_that_does_not_answer(grid: EventGrid) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but not listening: nobody else can listen there
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with pytest.raises(HandshakeError, match="does not answer"):
            grid.subscribe(Subscription("test", url))


def test_any_origin_is_accepted(grid: EventGrid, receiver: Receiver) -> None:
    receiver.handshake = lambda _: (200, {"WebHook-Allowed-Origin": "*"}, b"")
    subscribe(grid, receiver, schema=Schema.CLOUD_EVENTS)


def test_a_subscription_name_is_used_once(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver)
    with pytest.raises(ValueError, match="already"):
        subscribe(grid, receiver)


# --- requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "batched", "content_type"),
    [
        (Schema.EVENT_GRID, False, "application/json; charset=utf-8"),
        (Schema.EVENT_GRID, True, "application/json; charset=utf-8"),
        (Schema.CLOUD_EVENTS, False, "application/cloudevents+json; charset=utf-8"),
        (Schema.CLOUD_EVENTS, True, "application/cloudevents-batch+json; charset=utf-8"),
    ],
)
def test_what_a_delivery_looks_like(
    grid: EventGrid, receiver: Receiver, schema: Schema, batched: bool, content_type: str
) -> None:
    subscribe(grid, receiver, schema=schema, batching=Batching(10 if batched else 1))
    grid.publish(event(1, text="é💎"))
    grid.wait_until_idle(LIMIT)
    [received] = receiver.deliveries
    assert received.headers["content-type"] == content_type
    assert received.headers["aeg-event-type"] == "Notification"
    assert received.headers["aeg-subscription-name"] == "TEST"
    assert received.headers["aeg-delivery-count"] == "0"
    assert isinstance(received.json, dict) is (schema is Schema.CLOUD_EVENTS and not batched)
    assert received.events[0]["data"] == {"text": "é💎"}
    assert "é💎".encode() in received.body
    assert grid.tally("test") == Tally(delivered=1, requests=1)


def test_events_go_to_every_subscription_that_wants_them(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver, name="all")
    subscribe(grid, receiver, name="ones", filter=EventFilter(subject_ends_with="/1"))
    subscribe(grid, receiver, name="none", filter=EventFilter(event_types=["Other"]))
    for number in (1, 2):
        grid.publish(event(number))
    grid.wait_until_idle(LIMIT)
    got = sorted((one.headers["aeg-subscription-name"], *one.ids) for one in receiver.deliveries)
    assert got == [("ALL", "id-1"), ("ALL", "id-2"), ("ONES", "id-1")]
    assert grid.tally("none") == Tally()


def test_batches_keep_to_number_and_size(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver, batching=Batching(10, preferred_kilobytes=4))
    sizes = [100] * 60 + [1000] * 12 + [6000] * 3
    with receiver.busy():
        for number, size in enumerate(sizes):
            grid.publish(event(number, filling="x" * size))
        assert grid.tally("test").waiting == 75  # only now may the first answers make room for full batches
    grid.wait_until_idle(LIMIT)
    batches = [received.ids for received in receiver.deliveries]
    assert sorted(one for batch in batches for one in batch) == sorted(f"id-{n}" for n in range(75))
    assert max(map(len, batches)) == 10
    for received in receiver.deliveries:
        assert len(received.ids) == 1 or len(received.body) <= 4 * 1024 + 100


def test_what_json_cannot_carry_is_refused(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver)
    for data in ({"name": "\ud800"}, {"name": b"bytes"}):
        with pytest.raises((ValueError, TypeError)):
            grid.publish(event(**data))
    grid.publish(event(1))
    grid.wait_until_idle(LIMIT)
    assert len(receiver.deliveries) == 1


# --- retries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("failure", [500, 503, 404, 408, 429, 302, None])
def test_a_failed_delivery_is_repeated(
    grid: EventGrid,
    receiver: Receiver,
    failure: int | None,
    schema: Schema,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    receiver.answers = [failure, failure, 202]
    subscribe(grid, receiver, schema=schema)
    grid.publish(event(7))
    grid.wait_until_idle(LIMIT)
    assert [received.ids for received in receiver.deliveries] == [["id-7"]] * 3
    assert [received.headers["aeg-delivery-count"] for received in receiver.deliveries] == ["0", "1", "2"]
    wait = {404: 0.3, 408: 0.12, 503: 0.03}.get(failure or 0, 0.01)
    first, second, _ = receiver.deliveries
    assert wait <= second.at - first.at
    decided = [record.getMessage() for record in caplog.records if "not accepted" in record.msg]
    assert decided[0].endswith(f"again in {wait:.2f} s")
    assert grid.tally("test") == Tally(delivered=1, requests=3)


def test_a_failed_batch_is_repeated_whole(grid: EventGrid, receiver: Receiver) -> None:
    receiver.answers = [500, 202]
    subscribe(grid, receiver, batching=Batching(100))
    grid.publish(event(0))
    for number in range(1, 20):
        grid.publish(event(number))
    grid.wait_until_idle(LIMIT)
    failed = receiver.deliveries[0].ids
    again = [one for received in receiver.deliveries[1:] for one in received.ids]
    assert set(failed) <= set(again)
    assert grid.tally("test").delivered == 20


def dead_letters(folder: Path) -> list[dict[str, Any]]:
    return [record for file in folder.rglob("*.json") for record in json.loads(file.read_text())]


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_refusal_is_final(grid: EventGrid, receiver: Receiver, tmp_path: Path, status: int) -> None:
    receiver.answers = [status]
    subscribe(grid, receiver, dead_letter=tmp_path)
    grid.publish(event(1))
    grid.wait_until_idle(LIMIT)
    assert len(receiver.deliveries) == 1
    [record] = dead_letters(tmp_path)
    assert record["deadLetterReason"].startswith("UndeliverableDueToHttp")
    assert grid.tally("test") == Tally(dead_lettered=1, requests=1)


def test_a_dead_letter_has_all_facts(grid: EventGrid, receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [500]
    subscribe(grid, receiver, dead_letter=tmp_path, retry=RetryPolicy(max_attempts=3))
    grid.publish(event(1, text="é"))
    grid.wait_until_idle(LIMIT)
    assert len(receiver.deliveries) == 3
    [file] = tmp_path.rglob("*.json")
    subscription, year, _, _, _, _ = file.relative_to(tmp_path).parts
    assert subscription == "TEST"
    [record] = dead_letters(tmp_path)
    assert int(year) == datetime.fromisoformat(record["lastDeliveryAttemptTime"]).year
    assert record.pop("publishTime") <= record.pop("lastDeliveryAttemptTime")
    assert record == {
        **receiver.deliveries[0].events[0],
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 3,
        "lastDeliveryOutcome": "InternalServerError",
    }


def test_dead_letters_of_cloud_events_have_lower_case_names(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [503]
    policy = RetryPolicy(minutes_to_live=1)
    # A slow scale: the first answer must leave half of the minute for a second attempt.
    with EventGrid(time_scale=60) as grid:
        subscribe(grid, receiver, dead_letter=tmp_path, schema=Schema.CLOUD_EVENTS, retry=policy)
        grid.publish(event(1))
        grid.wait_until_idle(LIMIT)
    [record] = dead_letters(tmp_path)
    assert record["deadletterreason"] == "TimeToLiveExceeded"
    assert record["lastdeliveryoutcome"] == "Busy"
    assert record["deliveryattempts"] == len(receiver.deliveries) == 2
    assert {"publishtime", "lastdeliveryattempttime", "specversion"} <= record.keys()


def test_without_a_dead_letter_folder_events_are_dropped(grid: EventGrid, receiver: Receiver) -> None:
    receiver.answers = [400]
    subscribe(grid, receiver)
    grid.publish(event(1))
    grid.wait_until_idle(LIMIT)
    assert grid.tally("test") == Tally(dropped=1, requests=1)


def test_a_dead_letter_folder_that_cannot_be_written(
    grid: EventGrid, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [400]
    (tmp_path / "file").touch()
    subscribe(grid, receiver, dead_letter=tmp_path / "file")
    grid.publish(event(1))
    grid.wait_until_idle(LIMIT)
    assert grid.tally("test") == Tally(dropped=1, requests=1)
    assert "event id-1 is dropped, no dead letter" in caplog.text


def test_a_refused_event_does_not_hold_up_the_others(grid: EventGrid, receiver: Receiver) -> None:
    receiver.answers = [*[404] * 5, 202]
    subscribe(grid, receiver)
    for number in range(50):
        grid.publish(event(number))
    grid.wait_until_idle(LIMIT)
    # If the first event blocked the others, the second request would be its next attempt.
    assert len({received.ids[0] for received in receiver.deliveries[:6]}) == 6
    assert grid.tally("test") == Tally(delivered=50, requests=55)


# --- disturbances -------------------------------------------------------------------------------------------


def order(received: list[Received]) -> list[str]:
    return [one for delivery in received for one in delivery.ids]


def test_duplicates_in_another_order(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver, disturbance=Disturbance(copies=3, spread=0.3, seed=1))
    published = [f"id-{number}" for number in range(40)]
    for number in range(40):
        grid.publish(event(number))
    grid.wait_until_idle(LIMIT)
    got = order(receiver.deliveries)
    assert sorted(got) == sorted(published * 3)
    assert [one for number, one in enumerate(got) if one not in got[:number]] != published
    assert grid.tally("test").delivered == 120


def test_events_can_be_lost_on_demand(grid: EventGrid, receiver: Receiver) -> None:
    subscribe(grid, receiver)
    grid.publish(event(1))
    grid.disturb("test", Disturbance(loss=1.0))
    grid.publish(event(2))
    grid.disturb("test", Disturbance())
    grid.publish(event(3))
    grid.wait_until_idle(LIMIT)
    assert sorted(order(receiver.deliveries)) == ["id-1", "id-3"]
    assert grid.tally("test") == Tally(delivered=2, lost=1, requests=2)


def test_stop_logs_the_undelivered_events(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.answers = [500]
    with EventGrid() as grid:
        subscribe(grid, receiver)
        grid.publish(event(1))
        wait_for("the delivery", lambda: receiver.deliveries)
        with pytest.raises(TimeoutError):
            grid.wait_until_idle(0.05)
    assert "test: 1 events are lost" in caplog.text
    with pytest.raises(RuntimeError):
        grid.publish(event(2))
