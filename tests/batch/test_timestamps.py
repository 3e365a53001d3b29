from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.timestamps import format_timestamp, parse_timestamp

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00+00:00", NOON),
        ("2026-01-31T14:00:00+02:00", NOON),
        ("2026-01-31T12:00:00", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-01-31T12:00:00.12345+00:00", NOON + timedelta(microseconds=123_450)),
        ("2026-01-31T12:00:00.1234567+00:00", NOON + timedelta(microseconds=123_456)),
        ("2026-01-31T12:00:00.123456789Z", NOON + timedelta(microseconds=123_456)),
    ],
)
def test_times_are_read_as_azure_writes_them(text: str, moment: datetime) -> None:
    parsed = parse_timestamp(text)
    assert parsed == moment
    assert parsed is not None
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "now",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "12:00",
        5,
        NOON,
        [],
        {},
        "2026-01-31T25:00:00Z",
    ],
)
def test_anything_else_is_not_a_time(value: object) -> None:
    assert parse_timestamp(value) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_utc_cannot_hold_is_not_a_time(text: str) -> None:
    assert parse_timestamp(text) is None


_offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=_offsets | st.just(UTC))


@given(_moments)
def test_a_formatted_time_is_read_back_to_the_millisecond(moment: datetime) -> None:
    text = format_timestamp(moment)
    assert text.endswith("Z")
    assert len(text) == len("2026-01-31T12:00:00.123Z")
    read = parse_timestamp(text)
    assert read is not None
    assert timedelta() <= moment - read < timedelta(milliseconds=1)
    assert parse_timestamp(moment.isoformat()) == moment


@given(st.text(max_size=30))
def test_any_text_is_a_utc_time_or_none(text: str) -> None:
    parsed = parse_timestamp(text)
    assert parsed is None or parsed.tzinfo is UTC
