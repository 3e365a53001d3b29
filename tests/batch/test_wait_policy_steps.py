"""When a run takes its next step, and what holds in every state. Times are as in the tables beside this."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings

from batch.errors import ErrorCode
from batch.run import CancelCause, Phase, Problem, Run
from batch.wait_policy import CANCEL_GRACE, MIN_INTERVAL, cancel_due, earliest_step_at, end_of, next_step_at
from tests.batch.builders import START, after, canceling, problem, request, run
from tests.batch.strategies import ENDED, runs_and_times

SHORT = request(timeout=100)
QUEUE = request(timeout=1_000, queue_timeout=50)
UNAVAILABLE = problem(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)
REQUEST, TIMEOUT = CancelCause.REQUEST, CancelCause.TIMEOUT


def _asking_for(seconds: float) -> Problem:
    return problem(ErrorCode.SERVICE_UNAVAILABLE, retryable=True, retry_after=seconds)


@pytest.mark.parametrize(
    ("state", "now", "step"),
    [
        (run(status="Queued"), 20, 140),
        (run(status="Queued", asked=request(poll_interval=5)), 20, 25),
        (run(status="Queued", asked=SHORT), 20, 100),
        (run(status="Queued", asked=QUEUE), 20, 60),
        (run(status="Running", asked=QUEUE, running_at=after(15)), 20, 140),
        (run(status="Running", asked=SHORT), 100, 220),
        (run(status="Running", asked=request(poll_interval=86_400)), 20, 86_400),
        # Failures back off from two seconds up to the interval.
        (run(status="Queued", problem=UNAVAILABLE, failures=1), 20, 22),
        (run(status="Queued", problem=UNAVAILABLE, failures=3), 20, 28),
        (run(status="Queued", problem=UNAVAILABLE, failures=7), 20, 140),
        (run(status="Queued", problem=UNAVAILABLE, failures=10_000), 20, 140),
        (run(problem=UNAVAILABLE, failures=2), 20, 24),
        # The service's own wish counts, up to the next deadline.
        (
            run(status="Queued", problem=_asking_for(300), failures=1),
            20,
            320,
        ),
        (
            run(status="Queued", problem=_asking_for(0.5), failures=1),
            20,
            22,
        ),
        (
            run(asked=SHORT, problem=_asking_for(300), failures=1),
            20,
            100,
        ),
        # A timed out run gives up at its hour.
        (
            run(status="Running", asked=request(timeout=100, poll_interval=900), **canceling(TIMEOUT, 100)),
            699,
            700,
        ),
        (run(status="Running", asked=request(poll_interval=2), **canceling(REQUEST, 20)), 500, 502),
    ],
)
def test_the_next_step(state: Run, now: float, step: float) -> None:
    assert next_step_at(state, after(now)) == after(step)


def test_while_canceling_the_job_is_watched_more_closely() -> None:
    state = run(status="Running", asked=request(poll_interval=600), **canceling(REQUEST, 20))
    for now in (20, 21, 30, 100, 1_000):
        delay = next_step_at(state, after(now)) - after(now)
        assert MIN_INTERVAL <= delay <= timedelta(seconds=30)


@settings(max_examples=100)
@given(runs_and_times())
def test_the_next_step_lies_ahead_and_before_the_next_deadline(drawn: tuple[Run, datetime]) -> None:
    state, now = drawn
    step = next_step_at(state, now)
    assert step > now
    asked_for = state.problem.retry_after or 0 if state.problem else 0
    assert step <= now + timedelta(seconds=max(state.request.poll_interval, asked_for))
    assert all(step <= deadline for deadline in _deadlines(state) if deadline > now)


@settings(max_examples=100)
@given(runs_and_times())
def test_a_run_completes_if_and_only_if_its_job_did(drawn: tuple[Run, datetime]) -> None:
    state, now = drawn
    end = end_of(state, now)
    completed = state.job is not None and state.job.status == "Completed"
    assert (end is not None and end.outcome is Phase.COMPLETED) is completed
    if end is not None:
        assert (end.error is None) is completed
        assert end.outcome in (Phase.COMPLETED, Phase.FAILED, Phase.CANCELED, Phase.TIMED_OUT)
        assert end.error is None or end.error.message.strip()


@settings(max_examples=100)
@given(runs_and_times())
def test_past_its_deadlines_a_run_ends_or_cancels_its_job(drawn: tuple[Run, datetime]) -> None:
    state, moment = drawn
    now = max(_deadlines(state)) + (moment - START)
    if end_of(state, now) is None:
        assert state.job is not None
        assert cancel_due(state, now) is not None
        assert state.cancellation is None
        assert state.request.on_timeout == "cancel"


@given(runs_and_times())
def test_a_job_that_ended_is_never_canceled_by_us(drawn: tuple[Run, datetime]) -> None:
    state, now = drawn
    if state.job and state.job.status in ENDED:
        assert end_of(state, now) is not None


@pytest.mark.parametrize(
    ("state", "earliest"),
    [(run(), 1), (run(status="Queued"), 1), (run(status="Queued", last_check_at=after(50)), 51)],
)
def test_nudges_do_not_make_it_ask_more_than_once_a_second(state: Run, earliest: float) -> None:
    assert earliest_step_at(state) == after(earliest)


def _deadlines(state: Run) -> list[datetime]:
    """Told by the contract: timeout, queue_timeout while waiting for capacity, and the grace of a cancel."""
    assert state.started_at is not None
    deadlines = [state.started_at + timedelta(seconds=state.request.timeout)]
    if state.submitted_at and state.request.queue_timeout and not state.running_at:
        deadlines.append(state.submitted_at + timedelta(seconds=state.request.queue_timeout))
    if state.cancellation:
        on_request = state.cancellation.cause is REQUEST
        since = (
            max(state.cancellation.requested_at, deadlines[0])
            if on_request
            else state.cancellation.requested_at
        )
        deadlines.append(since + CANCEL_GRACE)
    return deadlines
