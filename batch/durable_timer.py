"""Durable timers, which are not exact.

On Azure Storage the Durable extension cuts a wait to whole seconds and does not read the clock at its end: a timer
may fire up to one second before the requested time, or any time after it. Hence two rules:

- A wait that must not be too short requests ``timer_for`` its end.
- The timer that fired shows that its end has come: ``time_after``. The clock alone may show an earlier time.
"""

from datetime import datetime, timedelta

MAX_EARLY = timedelta(seconds=1)


def timer_for(due: datetime) -> datetime:
    """The time to ask a durable timer for, so that it does not fire before ``due``."""
    return due + MAX_EARLY


def time_after(due: datetime | None, clock: datetime) -> datetime:
    """The time to decide by, after a timer for ``due`` (None without one), when the clock shows ``clock``."""
    return clock if due is None else max(due, clock)
