"""How long activities wait for a service on which no run depends: not as long again right after it gave no answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_WAIT = 10
"""Seconds in all: the end of a run waits for the answer."""
SHORT_WAIT = 2
"""Seconds, right after an answer that did not come."""
_REMEMBERED = 30
"""Seconds in which waits are short after a long one was in vain."""
_TOLERANCE = 0.5
"""Seconds. Timers are not exact."""


class LimitedWait:
    """Waits of at most ``longest`` seconds, or ``short`` ones while the service seems to hang.

    Else many runs that end at once would fill the places for activities again and again, and hold up all others.
    """

    def __init__(
        self,
        longest: float = LONGEST_WAIT,
        short: float = SHORT_WAIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._longest, self._short, self._clock = longest, short, clock
        self._short_until = 0.0

    @contextmanager
    def seconds(self) -> Iterator[float]:
        """Inside of it goes the wait. That it took as long as it may says that there was no answer."""
        began = self._clock()
        yield self._short if began < self._short_until else self._longest
        ended = self._clock()
        if ended - began > self._longest - _TOLERANCE:
            self._short_until = ended + _REMEMBERED
