"""How a run ends. Times are seconds after the start; a job is submitted ten seconds after it."""

from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings

from batch.errors import ErrorCode
from batch.run import job_status
from batch.run.deadlines import CANCEL_GRACE
from batch.run.job_status import Bucket
from batch.run.next_step import cancel_due
from batch.run.outcome import end_of
from batch.run.phases import Phase
from batch.run.state import CancelCause, Run
from tests.batch.builders import STUDIO_URL, after, canceling, failure, request, run
from tests.batch.strategies import ENDED, STATUSES, runs_and_times

GOING_ON = [status for status in STATUSES if status not in ENDED]
GRACE = CANCEL_GRACE.total_seconds()
SHORT = request(timeout=100)
LEAVE = request(timeout=100, on_timeout="leave")
QUEUE = request(timeout=1_000, queue_timeout=50)
QUEUE_LEAVE = request(timeout=1_000, queue_timeout=50, on_timeout="leave")
UNAVAILABLE = failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)


REQUEST, TIMEOUT, QUEUE_TIMEOUT = CancelCause.REQUEST, CancelCause.TIMEOUT, CancelCause.QUEUE_TIMEOUT


@pytest.mark.parametrize("status", GOING_ON)
def test_a_run_whose_job_has_no_final_status_goes_on_until_a_deadline(status: str) -> None:
    for now in (after(10), after(99.999)):
        assert end_of(run(status=status, asked=SHORT), now) is None
        assert cancel_due(run(status=status, asked=SHORT), now) is None
    assert cancel_due(run(status=status, asked=SHORT), after(100)) is TIMEOUT
    assert end_of(run(status=status, asked=SHORT), after(100)) is None
    left = end_of(run(status=status, asked=LEAVE), after(100))
    assert left is not None
    assert left.outcome is Phase.TIMED_OUT


CANCELLATIONS = [
    {},
    canceling(REQUEST, 50),
    canceling(TIMEOUT, 100),
    canceling(QUEUE_TIMEOUT, 60, accepted=False),
]
FAILURES = [
    {},
    {"problem": UNAVAILABLE, "failures": 9},
    {"problem": failure(ErrorCode.ACCESS_DENIED), "failures": 9, "failing_since": after(10)},
]


@pytest.mark.parametrize(("status", "outcome"), [("Completed", Phase.COMPLETED), ("Failed", Phase.FAILED)])
def test_a_job_that_ended_by_itself_decides_the_outcome_whatever_else_happened(
    status: str, outcome: Phase
) -> None:
    for cancellation, failing, asked, now in product(
        CANCELLATIONS, FAILURES, (SHORT, LEAVE, QUEUE), (20, 100, 10_000)
    ):
        end = end_of(run(status=status, asked=asked, **cancellation, **failing), after(now))
        assert end is not None
        assert end.outcome is outcome
        assert (end.error is None) is (status == "Completed")


def test_a_failed_job_says_where_its_logs_are() -> None:
    end = end_of(run(status="Failed"), after(20))
    assert end is not None
    assert end.error is not None
    assert end.error.code == ErrorCode.JOB_FAILED
    assert "batchjob-1" in end.error.message
    assert STUDIO_URL in end.error.message


@pytest.mark.parametrize(
    ("cancellation", "outcome", "code", "says"),
    [
        ({}, Phase.CANCELED, ErrorCode.JOB_CANCELED, "not by this run"),
        (canceling(REQUEST, 50), Phase.CANCELED, ErrorCode.JOB_CANCELED, "on request"),
        (canceling(REQUEST, 50, accepted=False), Phase.CANCELED, ErrorCode.JOB_CANCELED, "on request"),
        (canceling(TIMEOUT, 100), Phase.TIMED_OUT, ErrorCode.TIMED_OUT, "timeout of 100 s and was canceled"),
        (
            canceling(QUEUE_TIMEOUT, 60),
            Phase.TIMED_OUT,
            ErrorCode.QUEUE_TIMED_OUT,
            "queue_timeout of 50 s and was canceled",
        ),
    ],
)
def test_the_outcome_of_a_canceled_job_depends_on_the_cause_of_the_cancel(
    cancellation: dict[str, Any], outcome: Phase, code: ErrorCode, says: str
) -> None:
    asked = request(timeout=100, queue_timeout=50)
    end = end_of(run(status="Canceled", asked=asked, **cancellation), after(110))
    assert end is not None
    assert end.error is not None
    assert (end.outcome, end.error.code) == (outcome, code)
    assert says in end.error.message
    assert "batchjob-1" in end.error.message


def test_a_run_that_is_canceled_before_submission_ends_without_a_job() -> None:
    end = end_of(run(canceled_before_submission=True), after(1))
    assert end is not None
    assert end.error is not None
    assert (end.outcome, end.error.code) == (Phase.CANCELED, ErrorCode.JOB_CANCELED)


@pytest.mark.parametrize(
    ("state", "now", "ends", "says"),
    [
        (run(asked=SHORT), 99, False, ""),
        (run(asked=SHORT), 100, True, "No job was submitted within the timeout of 100 s."),
        (run(asked=LEAVE), 100, True, "No job was submitted"),
        (
            run(asked=SHORT, problem=UNAVAILABLE, failures=3),
            100,
            True,
            "The last problem was: It went wrong.",
        ),
        (run(asked=QUEUE), 500, False, ""),
        # The job goes on after its cancel.
        (run(status="Running", asked=SHORT, **canceling(TIMEOUT, 105)), 105 + GRACE - 1, False, ""),
        (
            run(status="Running", asked=SHORT, **canceling(TIMEOUT, 105)),
            105 + GRACE,
            True,
            "Running 600 s later",
        ),
        (run(status="Queued", asked=QUEUE, **canceling(QUEUE_TIMEOUT, 60)), 60 + GRACE - 1, False, ""),
        (
            run(status="Queued", asked=QUEUE, **canceling(QUEUE_TIMEOUT, 60)),
            60 + GRACE,
            True,
            "queue_timeout of 50 s",
        ),
        # A cancel on request waits until the run's own deadline.
        (run(status="Running", asked=SHORT, **canceling(REQUEST, 20)), 100 + GRACE - 1, False, ""),
        (
            run(status="Running", asked=SHORT, **canceling(REQUEST, 20)),
            100 + GRACE,
            True,
            "timeout of 100 s",
        ),
        (run(status="Running", asked=LEAVE, **canceling(REQUEST, 20)), 100, False, ""),
        (
            run(status="Running", asked=LEAVE, **canceling(REQUEST, 20)),
            100 + GRACE,
            True,
            "could not be canceled",
        ),
        # On request (on_timeout) the job is left as it is.
        (run(status="Running", asked=LEAVE), 100, True, "left as it is (Running), as on_timeout asks"),
        (run(status="Queued", asked=QUEUE_LEAVE), 59, False, ""),
        (run(status="Queued", asked=QUEUE_LEAVE), 60, True, "did not start within the queue_timeout of 50 s"),
        (run(status="Paused", asked=QUEUE_LEAVE, running_at=after(20)), 60, False, ""),
        (
            run(status="Running", asked=QUEUE_LEAVE, running_at=after(20)),
            1_000,
            True,
            "did not end within",
        ),
    ],
)
def test_how_a_run_times_out(state: Run, now: float, ends: bool, says: str) -> None:
    end = end_of(state, after(now))
    assert (end is not None) is ends
    if end is not None:
        assert end.outcome is Phase.TIMED_OUT
        assert end.error is not None
        assert says in end.error.message


def test_an_ended_job_status_without_a_case_of_its_own_is_not_taken_for_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A status that job_status.py may count as ended one day."""
    monkeypatch.setitem(job_status._BUCKETS, "Skipped", Bucket.ENDED)
    end = end_of(run(status="Skipped"), after(60))
    assert end is not None and end.error is not None
    assert (end.outcome, end.error.code) == (Phase.FAILED, ErrorCode.JOB_FAILED)
    assert "ended as Skipped" in end.error.message


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


@given(runs_and_times())
def test_a_run_ends_once_its_job_has_ended(drawn: tuple[Run, datetime]) -> None:
    state, now = drawn
    if state.job and state.job.status in ENDED:
        assert end_of(state, now) is not None
