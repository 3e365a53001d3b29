"""The two schemas, filters and disturbances."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from local.event_grid import (
    Batching,
    Disturbance,
    Event,
    EventFilter,
    Schema,
    StringBeginsWith,
    StringEndsWith,
    StringIn,
    Subscription,
)
from local.event_grid.event import event_time, written

TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
EVENT = Event(
    topic=TOPIC,
    subject="/blobServices/default/containers/in/blobs/day/x.csv",
    type="Microsoft.Storage.BlobCreated",
    data={"api": "PutBlob", "size": 7, "nested": {"deep": "Value"}},
    id="the-id",
    time=datetime(2017, 6, 26, 18, 41, 0, 958410, UTC),
)


def test_event_grid_schema() -> None:
    assert written(EVENT, Schema.EVENT_GRID) == {
        "topic": TOPIC,
        "subject": EVENT.subject,
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2017-06-26T18:41:00.9584100Z",
        "id": "the-id",
        "data": EVENT.data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def test_cloud_events_schema() -> None:
    assert written(EVENT, Schema.CLOUD_EVENTS) == {
        "source": TOPIC,
        "subject": EVENT.subject,
        "type": "Microsoft.Storage.BlobCreated",
        "time": "2017-06-26T18:41:00.9584100Z",
        "id": "the-id",
        "data": EVENT.data,
        "specversion": "1.0",
    }


def test_times_are_written_in_utc() -> None:
    elsewhere = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert event_time(elsewhere) == "2025-12-31T23:00:00.0000000Z"


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({}, True),
        ({"event_types": ["Microsoft.Storage.BlobCreated"]}, True),
        ({"event_types": ["Other", "microsoft.storage.blobcreated"]}, True),
        ({"event_types": ["Microsoft.Storage.BlobDeleted"]}, False),
        ({"subject_begins_with": "/blobServices/default/containers/in/"}, True),
        ({"subject_begins_with": "/BLOBservices/default/containers/IN/"}, True),
        ({"subject_begins_with": "/BLOBservices", "subject_case_sensitive": True}, False),
        ({"subject_begins_with": "blobServices"}, False),
        ({"subject_ends_with": ".CSV"}, True),
        ({"subject_ends_with": ".CSV", "subject_case_sensitive": True}, False),
        ({"subject_ends_with": ".txt"}, False),
        ({"advanced": [StringIn("data.api", ["FlushWithClose", "putblob"])]}, True),
        ({"advanced": [StringIn("data.api", ["FlushWithClose"])]}, False),
        ({"advanced": [StringIn("data.nested.deep", ["value"])]}, True),
        ({"advanced": [StringIn("data.size", ["7"])]}, False),
        ({"advanced": [StringIn("data.api.none", ["x"])]}, False),
        ({"advanced": [StringIn("eventType", ["Microsoft.Storage.BlobCreated"])]}, True),
        ({"advanced": [StringIn("data.api", ["PutBlob"]), StringIn("data.missing", ["x"])]}, False),
        (
            {"advanced": [StringBeginsWith("Subject", ["/other", "/BLOBservices/default/containers/in/"])]},
            True,
        ),
        ({"advanced": [StringBeginsWith("Subject", ["blobServices"])]}, False),
        ({"advanced": [StringEndsWith("Subject", [".txt", ".CSV"])]}, True),
        ({"advanced": [StringEndsWith("Subject", [".csv "])]}, False),
        (
            {"advanced": [StringBeginsWith("Subject", ["/blob"]), StringEndsWith("Subject", ["/_SUCCESS"])]},
            False,
        ),
    ],
)
def test_filters(fields: dict[str, Any], passes: bool) -> None:
    assert EventFilter(**fields).matches(EVENT, Schema.EVENT_GRID) is passes


def test_top_level_keys_are_those_of_the_schema() -> None:
    by_type = EventFilter(advanced=[StringIn("type", [EVENT.type])])
    assert by_type.matches(EVENT, Schema.CLOUD_EVENTS)
    assert not by_type.matches(EVENT, Schema.EVENT_GRID)


def test_disturbances_are_the_same_each_time_and_differ_by_seed() -> None:
    def delays(seed: int) -> list[list[float]]:
        return [list(Disturbance(3, spread=2, seed=seed).delays(str(number))) for number in range(50)]

    assert delays(1) == delays(1)
    assert delays(1) != delays(2)
    assert all(len(copies) == 3 and all(0 <= delay <= 2 for delay in copies) for copies in delays(1))


@pytest.mark.parametrize(("loss", "least", "most"), [(0.0, 1000, 1000), (0.5, 400, 600), (1.0, 0, 0)])
def test_loss(loss: float, least: int, most: int) -> None:
    kept = sum(1 for number in range(1000) if list(Disturbance(loss=loss).delays(str(number))))
    assert least <= kept <= most


@pytest.mark.parametrize(
    "make",
    [
        lambda: Subscription("a b", "http://x"),
        lambda: Subscription("ab", "http://x"),
        lambda: StringIn("data.api", []),
        lambda: StringIn("data.api", ["x"] * 26),
        lambda: StringBeginsWith("Subject", ["x" * 513]),
        lambda: EventFilter(
            advanced=[StringIn("data.api", ["x"] * 13), StringEndsWith("Subject", ["x"] * 13)]
        ),
        lambda: Batching(0),
        lambda: Batching(5001),
        lambda: Batching(1, 1025),
    ],
)
def test_settings_that_event_grid_would_refuse_are_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()


def test_an_event_is_json() -> None:
    assert json.loads(json.dumps(written(EVENT, Schema.EVENT_GRID)))["data"]["size"] == 7
