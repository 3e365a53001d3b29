"""What a function makes of the text of an event: whatever its time, the event is read."""

import inspect
import json
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.grid_event import GridEvent
from triggers import job_events, new_data
from triggers.grid_event import grid_event

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
EVENT_GRID = {
    "id": "1",
    "topic": "/t",
    "eventType": "T",
    "subject": "s",
    "eventTime": "2026-01-31T12:00:00Z",
    "data": {"a": 1},
    "dataVersion": "",
}
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/t",
    "type": "T",
    "subject": "s",
    "time": "2026-01-31T12:00:00Z",
    "data": {"a": 1},
}
SCHEMAS = pytest.mark.parametrize(("event", "time"), [(EVENT_GRID, "eventTime"), (CLOUD_EVENT, "time")])


@SCHEMAS
def test_both_schemas_are_read(event: dict[str, Any], time: str) -> None:
    assert grid_event(json.dumps(event)) == GridEvent("1", "T", "/t", "s", AT, {"a": 1})


@SCHEMAS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00.1234567Z", AT.replace(microsecond=123456)),
        ("2026-01-31T12:00:00.123456789Z", AT.replace(microsecond=123456)),
        ("2026-01-31T12:00:00.1Z", AT.replace(microsecond=100000)),
        ("2026-01-31T12:00:00", AT),
        ("2026-01-31T12:00:00.0000000", AT),
        ("2026-01-31T12:00:00-00:00", AT),
        ("2026-01-31T14:00:00+02:00", AT),
        ("2026-01-31T06:30:00.5-05:30", AT.replace(microsecond=500000)),
        ("2026-01-31 12:00:00Z", AT),
        ("2026-01-31T12:00Z", AT),
        ("20260131T120000Z", AT),
        ("2026-01-31", AT.replace(hour=0)),
    ],
)
def test_a_time_in_iso_8601_is_read_as_utc(
    event: dict[str, Any], time: str, text: str, expected: datetime
) -> None:
    read = grid_event(json.dumps({**event, time: text}))
    assert (read.time, read.has_unreadable_time) == (expected, False)


@SCHEMAS
@pytest.mark.parametrize(
    "unreadable",
    [
        *[
            "yesterday",
            " ",
            "01/31/2026 12:00:00Z",
            "1769860800",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00+99:00",
        ],
        *["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\ud800", "9" * 5_000],
        *[5, 1.5, True, ["2026-01-31T12:00:00Z"], {"a": 1}],
    ],
)
def test_any_other_time_is_told_and_stops_nothing(
    event: dict[str, Any], time: str, unreadable: object
) -> None:
    read = grid_event(json.dumps({**event, time: unreadable}))
    assert (read.id, read.time, read.has_unreadable_time) == ("1", None, True)


@SCHEMAS
@pytest.mark.parametrize("absent", [None, "", ...])
def test_an_event_may_have_no_time(event: dict[str, Any], time: str, absent: object) -> None:
    fields = {name: value for name, value in {**event, time: absent}.items() if value is not ...}
    read = grid_event(json.dumps(fields))
    assert (read.time, read.has_unreadable_time) == (None, False)


_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*EVENT_GRID, *CLOUD_EVENT, "self", "extra"]), _values))
def test_any_object_is_an_event(fields: dict[str, Any]) -> None:
    read = grid_event(json.dumps(fields))
    assert all(isinstance(text, str) for text in (read.id, read.type, read.sender, read.subject))
    assert read.time is None or read.time.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *["", "{", "[]", "1", "null", '"specversion"', '[{"id": "1"}]', '{"id": "1"} {}', '{"id": S3cr3t}'],
        '{"data": {"contentLength": ' + "9" * 5_000 + "}}",
        '{"data": ' + "[" * 200_000 + "]" * 200_000 + "}",
    ],
)
def test_a_text_that_is_no_event_reports_nothing(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """An exception would make Event Grid deliver it again for a day."""
    assert grid_event(text) == GridEvent("", "", "", "", None, {})
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"event_unreadable characters={len(text)} reason=")
    assert "S3cr3t" not in line and len(line) < 300


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    "where", ['{{"id": {}}}', '{{"eventTime": {}}}', '{{"subject": {}}}', '{{"data": {}}}']
)
def test_a_text_may_be_nested_to_any_depth(where: str) -> None:
    """Text of values that just could be read needs more room on the stack than the reader has left."""
    for depth in range(900, 1_001):
        assert isinstance(grid_event(where.format(_nested(depth))), GridEvent)


def test_of_fields_that_come_twice_the_last_counts() -> None:
    """As the host has it, which reads the event before the worker does."""
    assert grid_event('{"id": "1", "topic": "/t", "topic": "/other", "id": "2"}').sender == "/other"


@pytest.mark.parametrize(("bp", "name"), [(new_data.bp, "new_data"), (job_events.bp, "job_events")])
def test_the_functions_ask_for_text(bp: df.Blueprint, name: str) -> None:
    """With another annotation the worker makes an event of the SDK, and fails for a time that it cannot read."""
    app = df.DFApp()
    app.register_functions(bp)
    [function] = [each for each in app.get_functions() if each.get_function_name() == name]
    asked = inspect.get_annotations(function.get_user_function())["event"]
    assert asked is str
