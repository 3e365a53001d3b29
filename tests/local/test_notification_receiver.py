"""The webhook of this machine: what it accepts, and what it keeps."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from local.notification_receiver import Event, NotificationReceiver

EVENT: Event = {"id": "e1", "subject": "r-1", "type": "BatchEndpointRun.Completed"}


def post(url: str, body: Any, kind: str = "application/cloudevents+json; charset=utf-8") -> int:
    with requests.Session() as session:
        session.trust_env = False
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return session.post(url, data=data, headers={"Content-Type": kind}, timeout=10).status_code


def test_an_event_that_comes_twice_is_one_file_and_told_once(tmp_path: Path) -> None:
    told: list[Event] = []
    with NotificationReceiver(tmp_path / "kept", told=told.append) as receiver:
        assert [post(receiver.url, EVENT) for _ in range(2)] == [200, 200]
        assert post(receiver.url, {**EVENT, "id": "e2"}) == 200
    assert sorted(file.name for file in receiver.folder.iterdir()) == ["r-1-e1.json", "r-1-e2.json"]
    assert json.loads((receiver.folder / "r-1-e1.json").read_text()) == EVENT
    assert [event["id"] for event in told] == ["e1", "e2"]
    assert [event["id"] for event in receiver.accepted] == ["e1", "e1", "e2"]


def test_a_receiver_that_refuses_keeps_nothing_and_knows_what_came(tmp_path: Path) -> None:
    with NotificationReceiver(tmp_path) as receiver:
        receiver.status = 503
        assert post(receiver.url, EVENT) == 503
        assert (receiver.attempts, receiver.accepted, list(tmp_path.iterdir())) == ([EVENT], [], [])


def test_it_comes_back_at_the_same_address(tmp_path: Path) -> None:
    receiver = NotificationReceiver(tmp_path)
    with receiver:
        before = receiver.url
    with pytest.raises(requests.ConnectionError):
        post(before, EVENT)
    with receiver:
        assert receiver.url == before
        assert post(before, EVENT) == 200


@pytest.mark.parametrize(
    ("change", "body", "kind", "status"),
    [
        (("?code=", "?code=x"), EVENT, "application/cloudevents+json", 401),
        (("/notifications", "/other"), EVENT, "application/cloudevents+json", 404),
        (("", ""), b"{", "application/cloudevents+json", 400),
        (("", ""), [], "application/cloudevents+json", 400),
        (("", ""), {"id": "e1"}, "application/cloudevents+json", 400),
        (("", ""), EVENT, "application/json", 415),
        (("", ""), b" " * 1_100_000, "application/cloudevents+json", 413),
    ],
)
def test_what_is_no_notification_is_refused(
    tmp_path: Path, change: tuple[str, str], body: Any, kind: str, status: int
) -> None:
    with NotificationReceiver(tmp_path) as receiver:
        assert post(receiver.url.replace(*change), body, kind) == status
    assert receiver.attempts == []


def test_no_event_is_kept_outside_of_the_folder(tmp_path: Path) -> None:
    with NotificationReceiver(tmp_path / "kept") as receiver:
        assert post(receiver.url, {**EVENT, "subject": "../up/and away"}) == 200
    assert [file.name for file in receiver.folder.iterdir()] == [".._up_and_away-e1.json"]
