"""How an activity fails that broke: with a text that reaches its orchestration whole."""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

from batch.errors import ActivityFailed
from batch.run_reason import failure_of, safe_from_the_host

logger = logging.getLogger(__name__)


def with_readable_failure(activity: Callable[..., Any]) -> Callable[..., Any]:
    """Logs an exception that nobody foresaw, and raises ActivityFailed in its place.

    Problems that are foreseen are answers of the activity, not exceptions.
    """
    if inspect.iscoroutinefunction(activity):

        @functools.wraps(activity)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await activity(*args, **kwargs)
            except Exception as error:
                raise _readable(activity, error) from None

        return awaited

    @functools.wraps(activity)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return activity(*args, **kwargs)
        except Exception as error:
            raise _readable(activity, error) from None

    return called


def _readable(activity: Callable[..., Any], error: Exception) -> ActivityFailed:
    logger.error("activity_broke activity=%s", activity.__name__, exc_info=error)
    return ActivityFailed(safe_from_the_host(failure_of(error)))
