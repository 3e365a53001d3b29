"""What a run does next, and when. Times are seconds after the start; a job is submitted ten seconds after it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from batch.errors import ErrorCode
from batch.run.deadlines import CANCEL_GRACE
from batch.run.next_step import MIN_INTERVAL, cancel_due, earliest_step_at, invoke_mode, next_step_at
from batch.run.outcome import end_of
from batch.run.state import CancelCause, Run
from batch.run.steps import Failure, InvokeMode
from tests.batch.builders import START, after, canceling, failure, request, run
from tests.batch.strategies import runs_and_times

SHORT = request(timeout=100)
QUEUE = request(timeout=1_000, queue_timeout=50)
UNAVAILABLE = failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)
UNCERTAIN = failure(ErrorCode.SUBMISSION_UNCERTAIN, retryable=True)
REQUEST, TIMEOUT, QUEUE_TIMEOUT = CancelCause.REQUEST, CancelCause.TIMEOUT, CancelCause.QUEUE_TIMEOUT


def _asking_for(seconds: float) -> Failure:
    return failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True, retry_after=seconds)


def _refused(attempts: int) -> dict[str, Any]:
    return canceling(REQUEST, 20, accepted=False, attempts=attempts)


def _denied(failures: int, **changes: Any) -> Run:
    denied = {"problem": failure(ErrorCode.ACCESS_DENIED), "failures": failures, "refused_since": after(20)}
    return run(identity={"client_id": "c"}, **{**denied, **changes})


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
        # A submission is retried after up to five minutes, whatever the poll interval.
        (run(problem=UNAVAILABLE, failures=2), 20, 24),
        (run(problem=UNAVAILABLE, failures=8), 20, 276),
        (run(problem=UNAVAILABLE, failures=10_000), 20, 320),
        (run(asked=request(poll_interval=1), problem=UNAVAILABLE, failures=8), 20, 276),
        (run(asked=request(poll_interval=1), status="Queued", problem=UNAVAILABLE, failures=8), 20, 21),
        # The pause that the service asks for counts, up to the next deadline.
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
        # A timed-out run gives up when the grace of its cancel is over.
        (
            run(status="Running", asked=request(timeout=100, poll_interval=900), **canceling(TIMEOUT, 100)),
            699,
            700,
        ),
        (run(status="Running", asked=request(poll_interval=2), **canceling(REQUEST, 20)), 500, 502),
        # Refused cancels have a back-off of their own, whatever the interval and the last failure.
        (run(status="Running", **_refused(1)), 30, 32),
        (run(status="Running", problem=failure(ErrorCode.ACCESS_DENIED), failures=2, **_refused(1)), 30, 32),
        (run(status="Running", **_refused(4)), 30, 46),
        (run(status="Running", **_refused(8)), 30, 286),
        (run(status="Running", **_refused(9)), 30, 330),
        (run(status="Running", **_refused(10_000)), 30, 330),
        (run(status="Running", asked=request(poll_interval=5), **_refused(8)), 30, 286),
        (run(status="Running", asked=SHORT, **_refused(8)), 30, 100),
        (run(status="Running", **canceling(REQUEST, 20, accepted=True, attempts=8)), 40, 50),
        # A cancel on request has a time of its own, whatever the run's timeout.
        (
            run(
                status="CancelRequested",
                asked=request(timeout=100, poll_interval=900),
                **canceling(REQUEST, 20, gives_up_at=1_820),
            ),
            1_815,
            1_820,
        ),
        # The last try of a submission that is refused is at the end of its grace.
        (_denied(1), 20, 22),
        (_denied(9), 500, 800),
        (_denied(11), 850, 920),
        (_denied(12), 921, 1_221),
        (_denied(11, problem=_asking_for(300)), 850, 1_150),
        # Nothing moves the time of a submission that is due later.
        (run(step_due_at=after(90)), 20, 90),
        (run(problem=UNAVAILABLE, failures=1, step_due_at=after(90)), 20, 90),
        (run(problem=_asking_for(300), failures=1, step_due_at=after(90)), 20, 90),
        (run(problem=UNAVAILABLE, failures=1, step_due_at=after(20)), 20, 20),
        (run(problem=UNAVAILABLE, failures=1, step_due_at=after(10)), 20, 20),
        (run(status="Queued", step_due_at=after(90)), 20, 140),
    ],
)
def test_the_time_of_the_next_step(state: Run, now: float, step: float) -> None:
    assert next_step_at(state, after(now)) == after(step)


def test_while_canceling_the_job_is_watched_more_closely() -> None:
    state = run(status="Running", asked=request(poll_interval=600), **canceling(REQUEST, 20))
    refused_at_first = run(
        status="Running",
        asked=request(poll_interval=600),
        **canceling(REQUEST, 20, accepted=True, attempts=40),
    )
    for now in (20, 21, 30, 100, 1_000):
        delay = next_step_at(state, after(now)) - after(now)
        assert MIN_INTERVAL <= delay <= timedelta(seconds=30)
        assert next_step_at(refused_at_first, after(now)) == after(now) + delay


@settings(max_examples=100)
@given(runs_and_times())
def test_the_next_step_is_in_the_future_and_before_the_next_deadline(drawn: tuple[Run, datetime]) -> None:
    state, now = drawn
    step = next_step_at(state, now)
    was_due = state.job is None and state.step_due_at is not None and state.step_due_at <= now
    assert step == now if was_due else step > now
    asked_for = state.problem.retry_after or 0 if state.problem else 0
    refused = state.cancellation is not None and not state.cancellation.accepted
    longest = max(state.request.poll_interval, asked_for, 300 if refused or state.job is None else 0)
    due = state.step_due_at if state.job is None else None
    assert step <= max(now + timedelta(seconds=longest), due or now)
    assert all(step <= deadline for deadline in _deadlines(state) if deadline > now)


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


@settings(max_examples=100)
@given(runs_and_times())
def test_nothing_is_submitted_before_it_is_due_nor_past_the_deadline(drawn: tuple[Run, datetime]) -> None:
    state, now = drawn
    mode = invoke_mode(state, now)
    assert (mode is InvokeMode.FIND) is (now >= _deadlines(state)[0])
    if mode is InvokeMode.CHECK_FOR_CANCEL and state.job is None:
        assert next_step_at(state, now) == state.step_due_at
    if mode is InvokeMode.SUBMIT:
        assert state.step_due_at is None or now >= state.step_due_at


@pytest.mark.parametrize(
    ("state", "earliest"),
    [(run(), 1), (run(status="Queued"), 1), (run(status="Queued", last_check_at=after(50)), 51)],
)
def test_nudges_do_not_cause_more_than_one_step_a_second(state: Run, earliest: float) -> None:
    assert earliest_step_at(state) == after(earliest)


@pytest.mark.parametrize(
    ("state", "now", "cause"),
    [
        (run(asked=SHORT), 200, None),
        (run(status="Queued", asked=QUEUE), 59.9, None),
        (run(status="Queued", asked=QUEUE), 60, QUEUE_TIMEOUT),
        (run(status="NotResponding", asked=QUEUE), 60, QUEUE_TIMEOUT),
        (run(status="Queued", asked=QUEUE, running_at=after(20)), 60, None),
        (run(status="Queued", asked=QUEUE), 1_000, TIMEOUT),
        (run(status="Running", asked=QUEUE, running_at=after(20)), 1_000, TIMEOUT),
        (run(status="Running", **canceling(REQUEST, 20, accepted=False)), 30, REQUEST),
        (run(status="Running", **canceling(REQUEST, 20)), 30, None),
        # An accepted cancel that shows no effect is requested again.
        (run(status="Running", **canceling(REQUEST, 20)), 319, None),
        (run(status="Running", **canceling(REQUEST, 20)), 320, REQUEST),
        (run(status="Running", **canceling(REQUEST, 20, accepted_at=100)), 399, None),
        (run(status="Running", **canceling(REQUEST, 20, accepted_at=100)), 400, REQUEST),
        (run(status="CancelRequested", **canceling(REQUEST, 20, accepted_at=100)), 4_000, None),
        (run(status="Running", asked=SHORT, **canceling(REQUEST, 20)), 200, None),
        (
            run(status="Queued", asked=QUEUE, **canceling(QUEUE_TIMEOUT, 60, accepted=False)),
            1_000,
            QUEUE_TIMEOUT,
        ),
    ],
)
def test_when_a_job_is_canceled(state: Run, now: float, cause: CancelCause | None) -> None:
    assert cancel_due(state, after(now)) is cause


@pytest.mark.parametrize(
    ("due", "now", "mode"),
    [
        (None, 0, InvokeMode.SUBMIT),
        (None, 99.999, InvokeMode.SUBMIT),
        (None, 100, InvokeMode.FIND),
        (50, 49.999, InvokeMode.CHECK_FOR_CANCEL),
        (50, 50, InvokeMode.SUBMIT),
        (50, 60, InvokeMode.SUBMIT),
        (50, 100, InvokeMode.FIND),
        (100, 99.999, InvokeMode.CHECK_FOR_CANCEL),
        (100, 100, InvokeMode.FIND),
        # The deadline has precedence over a step that is due after it.
        (150, 120, InvokeMode.FIND),
    ],
)
@pytest.mark.parametrize("last", [None, UNAVAILABLE, UNCERTAIN])
def test_what_the_step_that_submits_may_do(
    last: Failure | None, due: float | None, now: float, mode: InvokeMode
) -> None:
    step_due_at = None if due is None else after(due)
    state = run(asked=SHORT, problem=last, failures=1 if last else 0, step_due_at=step_due_at)
    assert invoke_mode(state, after(now)) is mode


def _deadlines(state: Run) -> list[datetime]:
    """From the meaning of the fields: timeout, queue_timeout until the job runs, and the grace of a cancel."""
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
        deadlines.append(state.cancellation.gives_up_at or since + CANCEL_GRACE)
    if state.refused_since and state.problem and state.problem.code == ErrorCode.ACCESS_DENIED:
        deadlines.append(state.refused_since + timedelta(minutes=15))
    return deadlines
