"""What Event Grid does after a failed attempt, as tables from its documentation."""

import pytest

from local.event_grid import RetryPolicy
from local.event_grid.retry import SOCKET_ERROR, TIMED_OUT, GiveUp, Outcome, Retry, after_failure

DAY = 24 * 3600


def outcome(status: int | None) -> Outcome:
    return Outcome(None, SOCKET_ERROR) if status is None else Outcome.of_status(status)


@pytest.mark.parametrize(
    ("status", "name", "delivered"),
    [
        (200, "Ok", True),
        (202, "Accepted", True),
        (204, "NoContent", True),
        (205, "ResetContent", False),
        (302, "Found", False),
        (400, "BadRequest", False),
        (404, "NotFound", False),
        (408, "TimedOut", False),
        (413, "PayloadTooLarge", False),
        (500, "InternalServerError", False),
        (503, "Busy", False),
        (599, "GenericError", False),
    ],
)
def test_outcomes(status: int, name: str, delivered: bool) -> None:
    assert (outcome(status).name, outcome(status).delivered) == (name, delivered)


def test_the_schedule() -> None:
    waits = []
    for attempts in range(1, 13):
        step = after_failure(outcome(500), attempts, 0.0, RetryPolicy())
        assert isinstance(step, Retry)
        waits.append(step.wait)
    assert waits == [10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 43200, 43200]


@pytest.mark.parametrize(
    ("status", "attempts", "wait"),
    [
        (404, 1, 300),
        (404, 5, 600),
        (408, 1, 120),
        (408, 4, 300),
        (503, 1, 30),
        (503, 3, 60),
        (429, 1, 10),
        (302, 1, 10),
        (None, 1, 10),
    ],
)
def test_the_least_wait_depends_on_the_answer(status: int | None, attempts: int, wait: float) -> None:
    assert after_failure(outcome(status), attempts, 0.0, RetryPolicy()) == Retry(wait)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "UndeliverableDueToHttpBadRequest"),
        (401, "UndeliverableDueToHttpUnauthorized"),
        (403, "UndeliverableDueToHttpForbidden"),
        (413, "UndeliverableDueToHttpPayloadTooLarge"),
    ],
)
def test_some_answers_are_final(status: int, reason: str) -> None:
    assert after_failure(outcome(status), 1, 0.0, RetryPolicy()) == GiveUp(reason)


@pytest.mark.parametrize(
    ("attempts", "age", "policy", "step"),
    [
        (29, 0, RetryPolicy(), Retry(43200)),
        (30, 0, RetryPolicy(), GiveUp("MaxDeliveryAttemptsExceeded")),
        (3, 0, RetryPolicy(max_attempts=3), GiveUp("MaxDeliveryAttemptsExceeded")),
        (1, DAY - 10, RetryPolicy(), Retry(10)),
        (1, DAY - 9, RetryPolicy(), GiveUp("TimeToLiveExceeded")),
        (2, 31, RetryPolicy(minutes_to_live=1), GiveUp("TimeToLiveExceeded")),
    ],
)
def test_limits(attempts: int, age: float, policy: RetryPolicy, step: Retry | GiveUp) -> None:
    assert after_failure(Outcome(None, TIMED_OUT), attempts, age, policy) == step


def test_an_endpoint_that_is_down_for_a_day_sees_at_most_twelve_attempts() -> None:
    age, attempts = 0.0, 1
    while isinstance(step := after_failure(outcome(None), attempts, age, RetryPolicy()), Retry):
        age += step.wait
        attempts += 1
    assert (attempts, step) == (11, GiveUp("TimeToLiveExceeded"))


@pytest.mark.parametrize("fields", [{"max_attempts": 0}, {"max_attempts": 31}, {"minutes_to_live": 1441}])
def test_policies_beyond_the_limits_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="retry policy"):
        RetryPolicy(**fields)
