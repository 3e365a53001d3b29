"""When a schedule is due, and which of its due times are started. All moments are in UTC.

A time of day that a change of the clock leaves out is due at the first moment after it. One that comes twice is due
at the first of the two. A schedule that is due every so often goes by real time: it is due whenever the clock shows
a time that it names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from batch.new_data.cron import is_at_fixed_times, wall_times
from batch.new_data.schedule import CatchUp, ScheduleRule

ON_TIME = timedelta(minutes=10)
"""A start that comes within this time is on time: a timer is late after a cold start or a deployment."""
MOST_AT_ONCE = 50
"""Missed starts that one call makes up for. The next call goes on."""
EARLY = timedelta(seconds=1)
"""A timer may fire some milliseconds early."""
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Decision:
    """``start`` and ``skipped`` in order, all of ``skipped`` first; then all until ``until`` is decided."""

    start: tuple[datetime, ...]
    skipped: tuple[datetime, ...]
    until: datetime


def decide(schedule: ScheduleRule, since: datetime, now: datetime) -> Decision:
    """What follows from the due times after ``since`` until now."""
    until = now + EARLY
    moments = _until(due_times(schedule, since), until)
    if schedule.catch_up == CatchUp.ALL:
        # The call after a long outage looks at no more than it starts: there are many such calls.
        first_ones = tuple(islice(moments, MOST_AT_ONCE))
        return Decision(first_ones, (), first_ones[-1] if len(first_ones) == MOST_AT_ONCE else until)
    due = list(moments)
    first = next((index for index, moment in enumerate(due) if now - moment <= ON_TIME), len(due))
    if schedule.catch_up == CatchUp.LAST and due and first == len(due):
        first -= 1
    return Decision(tuple(due[first:]), tuple(due[:first]), until)


def next_due(schedule: ScheduleRule, after: datetime) -> datetime | None:
    """The first due time later than ``after``; None if there is none within 50 years."""
    return next(due_times(schedule, after), None)


def due_times(schedule: ScheduleRule, after: datetime) -> Iterator[datetime]:
    """The due times later than ``after``, in order, each once."""
    zone = ZoneInfo(schedule.time_zone)
    find = _at_times_of_day if is_at_fixed_times(schedule.cron) else _in_real_time
    last = after
    for due in find(schedule.cron, zone, after):
        if due > last:
            yield due
            last = due


def _until(moments: Iterator[datetime], end: datetime) -> Iterator[datetime]:
    for moment in moments:
        if moment > end:
            return
        yield moment


def _at_times_of_day(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """May begin with moments that are not later than ``after``."""
    for wall_time in wall_times(cron, _wall_time(after, zone)):
        yield _moment(wall_time, zone)


def _moment(wall_time: datetime, zone: ZoneInfo) -> datetime:
    first, second = (wall_time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first
    # The clock leaves this time out: by the offset before the change it is after the change, by the other before it.
    change = _change(zone, second, first)
    assert change is not None, "two offsets have a change between them"
    return change


def _in_real_time(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Goes from change to change of the clock: between two of them real time and wall time are the same."""
    begin, wall_begin = after, _wall_time(after, zone)
    while True:
        offset = _offset(zone, begin)
        change = None
        for wall_time in wall_times(cron, wall_begin):
            due = (wall_time - offset).replace(tzinfo=UTC)
            if change := _change(zone, begin, due):
                break
            yield due
            begin = due
        if change is None:
            return
        begin, wall_begin = change, _wall_time(change, zone) - _SECOND


def _change(zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """The first moment after ``begin``, until ``end``, at which the clock has another offset than at ``begin``."""
    offset, low = _offset(zone, begin), begin.replace(microsecond=0)
    while low < end:
        high = min(low + _DAY, end)
        if _offset(zone, high) != offset:
            while high - low > _SECOND:
                middle = low + (high - low) // _SECOND // 2 * _SECOND
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            return high
        low = high
    return None


def _wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "each zone has an offset"
    return offset
