"""When schedules are due, also where the clock changes, and which of the due times that were missed are started."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.new_data.due import MOST_AT_ONCE, ON_TIME, decide, due_times, next_due
from tests.batch.new_data.schedules import NIGHTLY, schedule, utc

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),
    "Asia/Beirut": ("2026-03-29", "2026-10-25"),
    "Africa/Cairo": ("2026-04-24", "2026-10-30"),
    "UTC": ("2026-03-29", "2026-10-25"),
}
"""Days on which the clock is put forward and back: in Beirut and Cairo at midnight, on Lord Howe by half an hour."""


def starts(cron: str, zone: str, day: str, count: int) -> list[str]:
    """In local time, from the beginning of the day; with the offset from UTC."""
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - MINUTE
    found = islice(due_times(schedule(cron, time_zone=zone), begin), count)
    return [f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M %z}" for moment in found]


@pytest.mark.parametrize(
    ("cron", "zone", "day", "expected"),
    [
        # 02:30 that does not exist starts at the first moment after the gap, and that once.
        (NIGHTLY, "Europe/Berlin", "2026-03-29", ["29 03:00 +0200", "30 02:30 +0200"]),
        (NIGHTLY, "America/New_York", "2026-03-08", ["08 03:00 -0400", "09 02:30 -0400"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["04 02:30 +1100", "05 02:15 +1100"]),
        ("0 0 * * *", "Asia/Beirut", "2026-03-29", ["29 01:00 +0300", "30 00:00 +0300"]),
        ("30 0 * * *", "Africa/Cairo", "2026-04-24", ["24 01:00 +0300", "25 00:30 +0300"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-29", ["29 03:00 +0200", "30 02:00 +0200"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-29", ["29 03:00 +0200", "30 02:00 +0200"]),
        # 02:30 that exists twice starts at the first of the two.
        (NIGHTLY, "Europe/Berlin", "2026-10-25", ["25 02:30 +0200", "26 02:30 +0100"]),
        ("30 1 * * *", "America/New_York", "2026-11-01", ["01 01:30 -0400", "02 01:30 -0500"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["05 01:45 +1100", "06 01:45 +1030"]),
        ("30 23 * * *", "Africa/Cairo", "2026-10-29", ["29 23:30 +0300", "30 23:30 +0200"]),
        # Every so often goes by real time.
        (
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-03-29",
            [*("29 00:00 +0100", "29 00:30 +0100", "29 01:00 +0100", "29 01:30 +0100"), "29 03:00 +0200"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-25",
            [*("25 02:00 +0200", "25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100"), "26 02:00 +0100"],
        ),
        (
            "0 */2 * * *",
            "Australia/Lord_Howe",
            "2026-04-05",
            ["05 00:00 +1100", "05 02:00 +1030", "05 04:00 +1030"],
        ),
        ("0 */2 * * *", "Europe/Berlin", "2026-03-29", ["29 00:00 +0100", "29 04:00 +0200"]),
    ],
)
def test_where_the_clock_changes(cron: str, zone: str, day: str, expected: list[str]) -> None:
    assert starts(cron, zone, day, len(expected)) == expected


MINUTES = {"*": range(60), "*/25": (0, 25, 50), "30": (30,), "0,45": (0, 45), "10-12": (10, 11, 12)}
HOURS = {"*": range(24), "*/2": range(0, 24, 2), "2": (2,), "0": (0,), "1-3": (1, 2, 3), "23,0": (23, 0)}


def expected(minute: str, hour: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """Looks at each minute, without cron: the due times from ``begin`` until before ``end``."""
    moments = list(takewhile(lambda moment: moment < end, minutes(begin - DAY)))
    in_zone = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments]

    def named(wall_time: datetime) -> bool:
        return wall_time.minute in MINUTES[minute] and wall_time.hour in HOURS[hour]

    if "*" in minute + hour:
        due = [moment for moment, wall_time in zip(moments, in_zone, strict=True) if named(wall_time)]
    else:
        wanted = filter(named, takewhile(lambda wall_time: wall_time <= in_zone[-1], minutes(in_zone[0])))
        due = [
            next(moment for moment, present in zip(moments, in_zone, strict=True) if present >= wall_time)
            for wall_time in wanted
        ]
    return sorted({moment for moment in due if moment >= begin})


def minutes(begin: datetime) -> Iterator[datetime]:
    while True:
        yield begin
        begin += MINUTE


@given(
    minute=st.sampled_from(sorted(MINUTES)),
    hour=st.sampled_from(sorted(HOURS)),
    change=st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days]),
    begins=st.integers(-20, 30),
    seconds=st.sampled_from([0, 1, 59.5]),
)
def test_due_times_are_those_that_a_look_at_each_minute_finds(
    minute: str, hour: str, change: tuple[str, str], begins: int, seconds: float
) -> None:
    """Wherever the search begins, also inside the hour that comes twice."""
    zone, day = change
    begin = utc(f"{day} 00:00") + timedelta(hours=begins, minutes=20)
    end = begin + 2 * DAY
    rule = schedule(f"{minute} {hour} * * *", time_zone=zone)
    after = begin - MINUTE + timedelta(seconds=seconds)
    found = list(takewhile(lambda moment: moment < end, due_times(rule, after)))
    due = expected(minute, hour, zone, begin - MINUTE, end)
    assert found == [moment for moment in due if moment > after]


@given(
    zone=st.sampled_from(sorted(CHANGES)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    begin=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
)
def test_a_daily_schedule_is_due_once_a_day(zone: str, hour: int, minute: int, begin: datetime) -> None:
    rule = schedule(f"{minute} {hour} * * *", time_zone=zone)
    found = list(islice(due_times(rule, begin.replace(tzinfo=UTC)), 400))
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in found]
    assert days == [days[0] + number * DAY for number in range(400)]
    assert all(earlier < later for earlier, later in pairwise(found))


def test_the_next_due_time() -> None:
    rule = schedule("0 0 29 2 *")
    assert next_due(rule, utc("2026-01-01 00:00")) == utc("2028-02-29 00:00")
    assert next_due(rule, utc("2028-02-29 00:00")) == utc("2032-02-29 00:00")


SINCE, NOW = utc("2026-01-10 08:00"), utc("2026-01-10 12:30")
MISSED = [utc(f"2026-01-10 {hour}:00") for hour in ("09", "10", "11", "12")]


@pytest.mark.parametrize(
    ("catch_up", "started", "skipped"),
    [("none", [], MISSED), ("last", MISSED[-1:], MISSED[:-1]), ("all", MISSED, [])],
)
def test_after_an_outage(catch_up: str, started: list[datetime], skipped: list[datetime]) -> None:
    decision = decide(schedule("0 * * * *", catch_up=catch_up), SINCE, NOW)
    assert (list(decision.start), list(decision.skipped)) == (started, skipped)
    again = decide(schedule("0 * * * *", catch_up=catch_up), decision.until, NOW)
    assert (again.start, again.skipped) == ((), ())


@pytest.mark.parametrize(
    ("catch_up", "started"), [("none", MISSED[-1:]), ("last", MISSED[-1:]), ("all", MISSED)]
)
@pytest.mark.parametrize("late", [timedelta(), ON_TIME])
def test_what_is_due_now_is_on_time(catch_up: str, started: list[datetime], late: timedelta) -> None:
    decision = decide(schedule("0 * * * *", catch_up=catch_up), SINCE, MISSED[-1] + late)
    assert [*decision.skipped, *decision.start] == MISSED
    assert list(decision.start) == started


def test_what_is_later_than_on_time_was_missed() -> None:
    late = MISSED[0] + ON_TIME + timedelta(seconds=1)
    assert decide(schedule("0 * * * *", catch_up="none"), SINCE, late).skipped == (MISSED[0],)


@pytest.mark.parametrize("catch_up", ["none", "last", "all"])
def test_without_an_outage_each_due_time_is_started(catch_up: str) -> None:
    rule, since, started = schedule("*/7 * * * *", catch_up=catch_up), SINCE, list[datetime]()
    for now in islice(minutes(SINCE + timedelta(seconds=0.2)), 1, 200):
        decision = decide(rule, since, now)
        assert decision.skipped == ()
        started += decision.start
        since = decision.until
    assert started == list(takewhile(lambda moment: moment <= now, due_times(rule, SINCE)))


def test_a_timer_may_fire_early() -> None:
    due = utc("2026-01-10 09:00")
    decision = decide(schedule("0 9 * * *"), SINCE, due - timedelta(milliseconds=300))
    assert decision.start == (due,)
    assert decide(schedule("0 9 * * *"), decision.until, due + MINUTE).start == ()


def test_all_missed_starts_are_made_some_at_a_time() -> None:
    rule, since, sizes, started = schedule("* * * * *", catch_up="all"), SINCE, list[int](), list[datetime]()
    while not sizes or sizes[-1]:
        decision = decide(rule, since, NOW)
        sizes.append(len(decision.start))
        started += decision.start
        since = decision.until
    assert sizes == [*[MOST_AT_ONCE] * 5, 270 - 5 * MOST_AT_ONCE, 0]
    assert started == list(takewhile(lambda moment: moment <= NOW, due_times(rule, SINCE)))


def test_each_call_that_makes_up_for_an_outage_looks_at_no_more_than_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[datetime] = []

    def watched(*given: Any) -> Iterator[datetime]:
        for moment in due_times(*given):
            seen.append(moment)
            yield moment

    monkeypatch.setattr("batch.new_data.due.due_times", watched)
    decision = decide(schedule("* * * * *", catch_up="all"), NOW - 3_650 * DAY, NOW)
    assert list(decision.start) == seen
    assert (len(seen), decision.until) == (MOST_AT_ONCE, seen[-1])


@given(
    catch_up=st.sampled_from(["none", "last", "all"]),
    cron=st.sampled_from(["* * * * *", "*/13 * * * *", "0 * * * *", "5 3 * * *"]),
    pauses=st.lists(st.integers(1, 3_000), max_size=8),
)
def test_whatever_the_pauses_each_due_time_is_decided_once(
    catch_up: str, cron: str, pauses: list[int]
) -> None:
    rule, since, now = schedule(cron, catch_up=catch_up), SINCE, SINCE
    decided: list[datetime] = []
    for pause in pauses:
        now += pause * MINUTE
        decision = decide(rule, since, now)
        decided += [*decision.skipped, *decision.start]
        since = decision.until
    end = min(since, now)
    assert decided == list(takewhile(lambda moment: moment <= end, due_times(rule, SINCE)))
