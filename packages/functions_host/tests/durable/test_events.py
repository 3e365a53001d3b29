"""The form of times in history events."""

from datetime import UTC, datetime

from functions_host.durable.events import format_time, parse_time


def test_times_have_seven_digits_and_come_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert format_time(moment) == "2026-01-02T03:04:05.6789010Z"
    assert parse_time(format_time(moment)) == moment
    assert parse_time("2026-01-01T01:00:00.000000Z") == datetime(2026, 1, 1, 1, tzinfo=UTC)
