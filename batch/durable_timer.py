"""Durable timers, which are not exact.

On Azure Storage the Durable extension cuts a wait to whole seconds and compares no clocks when it is over: after a
timer the time may be up to one second before what was asked for, or any time after it. Hence two rules:

- A wait that must not be shorter than it says asks for ``timer_for`` its end.
- That the end has come is known by the timer that fired: ``time_after``. The clock alone could say otherwise.
"""

from datetime import datetime, timedelta

MOST_EARLY = timedelta(seconds=1)


def timer_for(due: datetime) -> datetime:
    """The time to ask a durable timer for, so that it does not fire before ``due``."""
    return due + MOST_EARLY


def time_after(due: datetime | None, clock: datetime) -> datetime:
    """The time to decide by, where a timer for ``due`` has fired (None if none has) and the clock says ``clock``."""
    return clock if due is None else max(due, clock)
