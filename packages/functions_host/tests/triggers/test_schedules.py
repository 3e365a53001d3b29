"""NCRONTAB schedules: which occurrences they have, and which texts are refused."""

from datetime import UTC, datetime

import pytest

from functions_host.triggers.schedules import ScheduleError, parse_schedule

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("* * * * * *", ["2026-01-01T12:00:01", "2026-01-01T12:00:02"]),
        ("*/15 * * * * *", ["2026-01-01T12:00:15", "2026-01-01T12:00:30"]),
        ("0 */5 * * * *", ["2026-01-01T12:05:00", "2026-01-01T12:10:00"]),
        ("30 0 * * * *", ["2026-01-01T12:00:30", "2026-01-01T13:00:30"]),
        ("0 30 9 * * 1-5", ["2026-01-02T09:30:00", "2026-01-05T09:30:00"]),
        ("0 30 9 * Jan Mon", ["2026-01-05T09:30:00", "2026-01-12T09:30:00"]),
        ("0 0 3 * * 0,6", ["2026-01-03T03:00:00", "2026-01-04T03:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]),
        # Day and weekday must both match: each Friday that is a 13th.
        ("0 0 0 13 * 5", ["2026-02-13T00:00:00", "2026-03-13T00:00:00"]),
        ("*/20 * * * *", ["2026-01-01T12:20:00", "2026-01-01T12:40:00"]),
    ],
)
def test_occurrences(expression: str, following: list[str]) -> None:
    schedule = parse_schedule(expression, NOON)
    first = schedule.after(NOON)
    assert [moment.isoformat()[:19] for moment in (first, schedule.after(first))] == following


@pytest.mark.parametrize(
    "expression",
    [
        *("", "*", "* * * *", "* * * * * * *", "@daily", "00:05:00", "a * * * * *", "0 0 Mon * * *"),
        *("60 * * * * *", "0 0 24 * * *", "0 0 0 32 * *", "0 0 0 * 13 *", "0 0 0 * * 7", "0 0 0 31 2 *"),
        *("0 0 0 L * *", "H * * * * *", "0 0 0 * * 5#2", "*/0 * * * * *", "-1 * * * * *"),
    ],
)
def test_an_invalid_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError, match=r"NCRONTAB|never occurs"):
        parse_schedule(expression, NOON)
