"""Tries a step of the ledger again, where the store gave no answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ledger.errors import LedgerUnavailable

T = TypeVar("T")

_PAUSES = (0.2, 0.8)
_LONGEST_WAIT = 5.0
"""Seconds. A store that asks for more is asked again by the caller's own retries."""


async def settled(step: Callable[[], Awaitable[T]]) -> T:
    """The result of ``step``, tried up to three times.

    The answer to a write may be lost, so ``step`` must find out by reading whether an earlier try has happened.
    Raises LedgerUnavailable if the last try does: then the step may have happened or not.
    """
    for pause in _PAUSES:
        try:
            return await step()
        except LedgerUnavailable as error:
            wait = max(pause, error.retry_after or 0.0)
            if wait > _LONGEST_WAIT:
                raise
        await asyncio.sleep(wait)
    return await step()
