"""Cron expressions of five fields: which times of a wall clock they name.

cronsim knows the language. It gets times without a zone, because with one it passes over a time where the clock
changes by half an hour; ``batch/new_data/due.py`` knows zones.
"""

from collections.abc import Iterator
from datetime import datetime

from cronsim import CronSim, CronSimError

_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last day"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of the week", "0 to 7, or SUN to SAT"),
)
_SEARCH_FROM = datetime(2000, 1, 1)


def check_cron(cron: str) -> str:
    """Returns ``cron`` with single spaces. Raises ValueError, whose text says which field is wrong."""
    fields = cron.split()
    if len(fields) == len(_FIELDS) + 1:
        raise ValueError("has 6 fields: leave out the seconds, a schedule starts at a full minute")
    if len(fields) != len(_FIELDS):
        raise ValueError(f"must have 5 fields: {', '.join(name for name, _ in _FIELDS)}")
    for number, (name, values) in enumerate(_FIELDS):
        alone = [field if number == other else "*" for other, field in enumerate(fields)]
        if not _is_readable(" ".join(alone)):
            raise ValueError(
                f"has a wrong field {number + 1}, the {name}: it may hold {values},"
                " and *, lists (1,15), ranges (1-5) and steps (*/2)"
            )
    checked = " ".join(fields)
    if not _is_readable(checked) or next(wall_times(checked, _SEARCH_FROM), None) is None:
        raise ValueError("names a time that never comes")
    return checked


def wall_times(cron: str, after: datetime) -> Iterator[datetime]:
    """The times later than ``after``, in order; all without a zone. Ends where no time follows within 50 years."""
    yield from CronSim(cron, after)


def is_at_fixed_times(cron: str) -> bool:
    """Whether neither minute nor hour begins with ``*``: it names times of day, and not a time every so often."""
    minute, hour = cron.split()[:2]
    return not (minute.startswith("*") or hour.startswith("*"))


def _is_readable(cron: str) -> bool:
    try:
        CronSim(cron, _SEARCH_FROM)
    except (CronSimError, ValueError):
        # A number with thousands of digits is a ValueError.
        return False
    return True
