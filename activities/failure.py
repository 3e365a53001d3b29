"""Makes the text of a crashed activity readable for its orchestration."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from batch.errors import ActivityFailed
from batch.run.reason import failure_of, safe_from_the_host

logger = logging.getLogger(__name__)


def with_readable_failure(activity: Callable[..., Any]) -> Callable[..., Any]:
    """Logs whatever exception the activity raises, and raises ActivityFailed in its place.

    A problem that the run decides about is an answer of the activity, not an exception.
    """
    if inspect.iscoroutinefunction(activity):

        @functools.wraps(activity)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with _readable_failure(activity.__name__):
                return await activity(*args, **kwargs)

        return awaited

    @functools.wraps(activity)
    def called(*args: Any, **kwargs: Any) -> Any:
        with _readable_failure(activity.__name__):
            return activity(*args, **kwargs)

    return called


@contextmanager
def _readable_failure(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.exception("activity_broke activity=%s", name)
        raise ActivityFailed(safe_from_the_host(failure_of(error))) from None
