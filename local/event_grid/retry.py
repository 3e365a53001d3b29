"""What Event Grid does after an attempt to deliver. All times are in seconds of Event Grid's clock.

Event Grid behaviour, from its documentation: the schedule, the least wait by status, the answers that it does
not retry, and the two limits. The documented random variation of the waits is left out.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

_HOUR = 3600.0
SCHEDULE = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR)
_LEAST_WAIT = {404: 300.0, 408: 120.0, 503: 30.0}
_NOT_RETRIED = frozenset({400, 401, 403, 413})
_SUCCESS = range(200, 205)
_DAY_IN_MINUTES = 1440

# Names that are not the status phrase. Only NotFound, TimedOut, Busy and BadRequest are documented or seen.
_OUTCOMES = {408: "TimedOut", 413: "PayloadTooLarge", 503: "Busy"}
SOCKET_ERROR = "SocketError"
TIMED_OUT = "TimedOut"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    max_attempts: int = 30
    minutes_to_live: int = _DAY_IN_MINUTES

    def __post_init__(self) -> None:
        if not (1 <= self.max_attempts <= 30 and 1 <= self.minutes_to_live <= _DAY_IN_MINUTES):
            raise ValueError(f"a retry policy has 1 to 30 attempts and 1 to 1440 minutes, not {self}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went; ``status`` is None when there was no answer."""

    status: int | None
    name: str

    @classmethod
    def of_status(cls, status: int) -> Self:
        if status in _OUTCOMES:
            return cls(status, _OUTCOMES[status])
        known = status in HTTPStatus.__members__.values()
        return cls(status, HTTPStatus(status).phrase.title().replace(" ", "") if known else "GenericError")

    @property
    def delivered(self) -> bool:
        return self.status in _SUCCESS


@dataclass(frozen=True, slots=True)
class Retry:
    wait: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """``reason`` as in the ``deadLetterReason`` of a dead-letter record."""

    reason: str


def after_failure(outcome: Outcome, attempts: int, age: float, policy: RetryPolicy) -> Retry | GiveUp:
    """``attempts`` includes the failed one; ``age`` is the age of the event.

    An event that would be too old at its next attempt is given up at once.
    """
    if outcome.status in _NOT_RETRIED:
        return GiveUp(f"UndeliverableDueToHttp{outcome.name}")
    if attempts >= policy.max_attempts:
        return GiveUp("MaxDeliveryAttemptsExceeded")
    scheduled = SCHEDULE[min(attempts, len(SCHEDULE)) - 1]
    wait = max(scheduled, _LEAST_WAIT.get(outcome.status or 0, 0.0))
    if age + wait > policy.minutes_to_live * 60.0:
        return GiveUp("TimeToLiveExceeded")
    return Retry(wait)
