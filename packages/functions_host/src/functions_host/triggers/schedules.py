"""NCRONTAB schedules of timer triggers: ``{second} {minute} {hour} {day} {month} {day-of-week}``.

croniter computes the dates: among the maintained cron libraries only it reads seconds as the first field and can
require that day and day-of-week both match, as NCRONTAB does (in cron one match is enough). croniter accepts more
than NCRONTAB; this module refuses the rest, so that a schedule that Azure refuses does not work here either.
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
    """The schedule of a timer is not valid. The text says which one, and what is expected."""


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
    """Six fields, or the five without seconds. Raises ScheduleError, also for a date that does not exist."""
    fields = expression.lower().split()
    patterns = _FIELDS[-len(fields) :]
    schedule = Schedule(expression.strip())
    if len(fields) in (5, 6) and all(map(re.fullmatch, patterns, fields)):
        try:
            schedule.after(now)
        except CroniterBadDateError:
            raise ScheduleError(f"'{expression}' never occurs.") from None
        except ValueError as error:
            raise ScheduleError(f"'{expression}' is not an NCRONTAB expression: {error}.") from error
        return schedule
    raise ScheduleError(
        f"'{expression}' is not an NCRONTAB expression; expected is "
        "'{second} {minute} {hour} {day} {month} {day-of-week}', such as '0 */5 * * * *'."
    )
