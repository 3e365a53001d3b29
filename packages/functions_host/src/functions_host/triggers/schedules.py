"""NCRONTAB schedules of timer triggers: ``{second} {minute} {hour} {day} {month} {day-of-week}``.

croniter does the calendar: of the maintained cron libraries it alone reads seconds in front and can require
day and day-of-week to match both, as NCRONTAB does (cron itself takes either). It also reads more than
NCRONTAB allows; that is refused here, so that nothing works locally which Azure would turn down.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from croniter import CroniterBadDateError, croniter

_NUMBERS = r"[0-9*,/-]+"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"
_FIELDS = (_NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, rf"(?:[0-9*,/-]|{_MONTHS})+", rf"(?:[0-6*,/-]|{_DAYS})+")


class ScheduleError(Exception):
    """A timer's schedule cannot be understood. The text says which, and what is expected."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Occurrences in UTC; ``WEBSITE_TIME_ZONE`` is not read."""

    expression: str

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than ``moment`` (aware UTC)."""
        with_seconds = self.expression if len(self.expression.split()) == 6 else f"0 {self.expression}"
        calendar = croniter(with_seconds, moment, day_or=False, second_at_beginning=True)
        following: datetime = calendar.get_next(datetime)
        return following


def parse_schedule(expression: str, now: datetime) -> Schedule:
    """Six fields, or the five without seconds. Raises ScheduleError, also if no such day ever comes."""
    fields = expression.lower().split()
    patterns = _FIELDS[-len(fields) :]
    schedule = Schedule(expression.strip())
    if len(fields) in (5, 6) and all(map(re.fullmatch, patterns, fields)):
        try:
            schedule.after(now)
        except CroniterBadDateError:
            raise ScheduleError(f"'{expression}' never comes to pass.") from None
        except ValueError as error:
            raise ScheduleError(f"'{expression}' is no NCRONTAB expression: {error}.") from error
        return schedule
    raise ScheduleError(
        f"'{expression}' is no NCRONTAB expression; expected is "
        "'{second} {minute} {hour} {day} {month} {day-of-week}', such as '0 */5 * * * *'."
    )
