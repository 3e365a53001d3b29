"""Waits that end when a condition is true, and not after a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT = 40.0
_LONGEST_PAUSE = 0.05


def wait_for(what: str, look: Callable[[], T | bool | None], limit: float = LIMIT) -> T:
    """The first answer of ``look`` that is true. Fails after ``limit`` seconds."""
    deadline = time.monotonic() + limit
    pause = 0.005
    while time.monotonic() < deadline:
        if found := look():
            return found  # type: ignore[return-value]
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    raise AssertionError(f"{what} did not happen within {limit:.0f} s")
