"""Events that are malformed, foreign or hostile: acknowledged, logged if they name our account, and ignored."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.event_grid import Schema
from local.event_grid.event import written
from local.machine import LocalMachine
from tests.end_to_end.harness import App
from tests.end_to_end.new_data import deliver, jobs, machine_with, rule, runs, uploaded


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with machine_with(tmp_path_factory.mktemp("hostile"), rule(start="file"), jobs=False) as machine:
        yield machine


@pytest.fixture
def good(machine: LocalMachine) -> dict[str, Any]:
    return dict(written(uploaded(machine, "in/good.csv"), Schema.EVENT_GRID))


SUBJECT = "/blobServices/default/containers/incoming/blobs/"
HOSTILE = {
    "another topic": {
        "topic": "/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/evil"
    },
    "no topic": {"topic": None},
    "another type": {"eventType": "Microsoft.Storage.BlobDeleted"},
    "no type": {"eventType": None},
    "no subject": {"subject": None},
    "another subject": {"subject": "/queues/a"},
    "parent folders": {"subject": SUBJECT + "in/../../secret.csv"},
    "empty parts": {"subject": SUBJECT + "in//x.csv"},
    "backslashes": {"subject": SUBJECT + "in\\..\\x.csv"},
    "control characters": {"subject": SUBJECT + "in/a\x00\x1b[31m.csv"},
    "a name too long": {"subject": SUBJECT + "x" * 1_025},
    "another container": {"subject": "/blobServices/default/containers/other/blobs/in/x.csv"},
    "a folder marker": {"subject": SUBJECT + "in/folder/"},
    "data is a list": {"data": [1, 2]},
    "data is text": {"data": "x"},
    "no data": {"data": None},
    "an empty file": {"data": {"api": "PutBlob", "contentLength": 0, "eTag": "1"}},
    "length is text": {"data": {"api": "PutBlob", "contentLength": "8", "eTag": "1"}},
    "an unknown api": {"data": {"api": "Hack", "contentLength": 8, "eTag": "1"}},
    "an endless eTag": {"data": {"api": "PutBlob", "contentLength": 8, "eTag": "e" * 5_000}},
    "time is nonsense": {"eventTime": "yesterday"},
    "time is a number": {"eventTime": 1_769_860_800},
    "time is at the end of all times": {"eventTime": "9999-12-31T23:59:59-14:00"},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_event_is_acknowledged_and_starts_nothing(
    machine: LocalMachine, good: dict[str, Any], change: dict[str, Any]
) -> None:
    before = len(runs(machine))
    answer = deliver(machine, {**good, **change, "id": "hostile"})

    assert answer.status_code == 202, answer.text
    assert len(runs(machine)) == before


@pytest.mark.parametrize(
    "name",
    [
        "a#b.csv",
        "what?.csv",
        "100%.csv",
        "sp ace.csv",
        "ümläut-データ.csv",
        "x" * 1_000 + ".csv",
        "a+b&c=d;e.csv",
    ],
)
def test_an_unusual_valid_name_is_encoded_and_its_run_starts(machine: LocalMachine, name: str) -> None:
    event = written(uploaded(machine, "in/short.csv"), Schema.EVENT_GRID)
    event = {**event, "subject": SUBJECT + "in/" + name}
    before = {run["run_id"] for run in runs(machine)}
    answer = deliver(machine, dict(event))
    [run_id] = {run["run_id"] for run in runs(machine)} - before
    uri = App(machine.url).run(run_id)["request"]["inputs"]["input_data"]["uri"]

    assert answer.status_code == 202
    assert uri.startswith("https://localdata.blob.core.windows.net/incoming/in/")
    assert not set(uri) & set("#? \n") and uri.isascii()


def test_a_url_with_credentials_is_never_used(machine: LocalMachine, good: dict[str, Any]) -> None:
    url = "https://user:pa55word@evil.example/incoming/in/evil.csv?sig=s3cret"
    event = {**good, "subject": SUBJECT + "in/evil.csv", "data": {**good["data"], "url": url, "eTag": "evil"}}
    before = {run["run_id"] for run in runs(machine)}
    assert deliver(machine, event).status_code == 202
    [run_id] = {run["run_id"] for run in runs(machine)} - before
    uri = App(machine.url).run(run_id)["request"]["inputs"]["input_data"]["uri"]

    assert uri == "https://localdata.blob.core.windows.net/incoming/in/evil.csv"
    assert b"s3cret" not in machine.host.log.read_bytes()


def test_a_bad_event_does_not_stop_the_others_of_its_batch(
    machine: LocalMachine, good: dict[str, Any]
) -> None:
    """After a failure Event Grid would redeliver the good events, too, again and again."""
    events = [
        {**good, "subject": f"{SUBJECT}in/batch-{number}.csv", "id": str(number), "extra": {"unknown": True}}
        for number in range(3)
    ]
    events.insert(1, {**good, "subject": SUBJECT + "in/../x", "id": "bad"})
    before = len(runs(machine))
    answer = deliver(machine, *events)

    assert answer.status_code == 202
    assert len(runs(machine)) == before + 3
    log = machine.host.log.read_text()
    assert "event_malformed" in log and "event_id=bad" in log


def test_an_event_whose_time_cannot_be_read_is_logged(machine: LocalMachine, good: dict[str, Any]) -> None:
    assert deliver(machine, {**good, "id": "of yesterday", "eventTime": "yesterday"}).status_code == 202
    line = f'event_malformed event_id="of yesterday" subject={good["subject"]} reason="its time is not in ISO 8601"'
    assert line in machine.host.log.read_text()


@pytest.mark.parametrize("function", ["new_data", "job_events"])
def test_a_cloud_event_whose_time_cannot_be_read_is_acknowledged(
    machine: LocalMachine, good: dict[str, Any], function: str
) -> None:
    event = {"specversion": "1.0", "id": "1", "source": good["topic"], "type": "T", "time": "yesterday"}
    answer = requests.post(
        f"{machine.url}/runtime/webhooks/eventgrid?functionName={function}",
        json=event,
        headers={"aeg-event-type": "Notification"},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text


def test_a_body_that_is_not_an_event_breaks_nothing(machine: LocalMachine) -> None:
    url = f"{machine.url}/runtime/webhooks/eventgrid?functionName=new_data"
    for body in (b"", b"{", b"1", b'"x"', b"[1]", b"[" * 10_000, b"\xff"):
        answer = requests.post(url, data=body, headers={"aeg-event-type": "Notification"}, timeout=30)
        assert answer.status_code in (202, 400, 500), answer.status_code
    assert requests.get(f"{machine.url}/api/batch-runs", timeout=30).status_code == 200
    assert jobs(machine) <= len(runs(machine))
