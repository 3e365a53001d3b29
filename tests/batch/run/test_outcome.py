"""How a run ends. Times are seconds after the start; a job is submitted ten seconds after it."""

from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings

from batch.errors import MAX_MESSAGE_LENGTH, ErrorCode
from batch.run import job_status
from batch.run.deadlines import CANCEL_GRACE
from batch.run.job_status import Bucket
from batch.run.next_step import cancel_due
from batch.run.outcome import End, end_of, explained, failed_job_of
from batch.run.phases import Phase
from batch.run.request import RunRequest
from batch.run.state import CancelCause, Run
from batch.run.steps import Failure, JobReason
from tests.batch.builders import WORKSPACE_ID, after, canceling, failure, request, run
from tests.batch.strategies import ENDED, STATUSES, runs_and_times

GOING_ON = [status for status in STATUSES if status not in ENDED]
GRACE = CANCEL_GRACE.total_seconds()
SHORT = request(timeout=100)
LEAVE = request(timeout=100, on_timeout="leave")
QUEUE = request(timeout=1_000, queue_timeout=50)
QUEUE_LEAVE = request(timeout=1_000, queue_timeout=50, on_timeout="leave")
ON_REQUEST = canceling(CancelCause.REQUEST, 20, gives_up_at=1_820)
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


def _end_of_failed_job() -> End:
    end = end_of(run(status="Failed"), after(20))
    assert end is not None and end.error is not None and end.error.code == ErrorCode.JOB_FAILED
    return end


def test_a_failed_job_is_named_and_its_page_is_not_repeated() -> None:
    assert _end_of_failed_job().error == Failure(code="job_failed", message="Job batchjob-1 failed.")


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (JobReason(message="ValueError: no column age"), "Job batchjob-1 failed: ValueError: no column age"),
        (
            JobReason(code="UserError", message="It is full.", step="score"),
            "Job batchjob-1 failed in step score: It is full.",
        ),
    ],
)
def test_the_reason_of_azure_ml_becomes_part_of_the_end(reason: JobReason, message: str) -> None:
    end = explained(_end_of_failed_job(), reason)
    assert (end.outcome, end.error) == (
        Phase.FAILED,
        Failure(code="job_failed", message=message, reason=reason),
    )


def test_without_a_reason_the_end_stays_as_it_is() -> None:
    assert explained(_end_of_failed_job(), None) == _end_of_failed_job()
    completed = end_of(run(status="Completed"), after(20))
    assert completed is not None
    assert explained(completed, JobReason(message="x")) == completed


def test_only_a_job_that_failed_has_a_reason_to_ask_for() -> None:
    for state in (run(status="Completed"), run(status="Canceled"), run(asked=SHORT, status="Running")):
        end = end_of(state, after(20)) or End(Phase.TIMED_OUT, Failure(code="timed_out", message="Too late."))
        assert failed_job_of(state, end) is None
    failed = run(status="Failed")
    assert failed_job_of(failed, _end_of_failed_job()) == failed.job


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
        # A cancel on request has a time of its own.
        (run(status="Running", asked=SHORT, **ON_REQUEST), 1_819, False, ""),
        (run(status="Running", asked=LEAVE, **ON_REQUEST), 1_819, False, ""),
        (run(status="Running", **ON_REQUEST), 1_820, True, "within the cancel_timeout of 1800 s"),
        (run(status="Running", asked=LEAVE, **ON_REQUEST), 1_820, True, "it was still Running."),
        (
            run(status="Running", asked=request(cancel_timeout=60), **canceling(REQUEST, 20, gives_up_at=80)),
            80,
            True,
            "Job batchjob-1 was not canceled within the cancel_timeout of 60 s after the request at"
            " 2026-01-31T12:00:20.000Z: it was still Running.",
        ),
        # Before version 1.3 it waited until the run's own deadline.
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


@pytest.mark.parametrize("refusal", [None, "POST …/cancel answered 403."])
@pytest.mark.parametrize(
    ("asked", "cancellation", "now", "limit"),
    [
        (SHORT, canceling(TIMEOUT, 105), 105 + GRACE, "timeout of 100 s"),
        (QUEUE, canceling(QUEUE_TIMEOUT, 60), 60 + GRACE, "queue_timeout of 50 s"),
        (SHORT, canceling(REQUEST, 20), 100 + GRACE, "timeout of 100 s"),
        (SHORT, ON_REQUEST, 1_820, "cancel_timeout of 1800 s"),
        (LEAVE, {}, 100, "timeout of 100 s"),
        (QUEUE_LEAVE, {}, 60, "queue_timeout of 50 s"),
    ],
)
def test_a_status_that_was_not_read_at_the_end_is_not_called_the_present_one(
    asked: RunRequest, cancellation: dict[str, Any], now: float, limit: str, refusal: str | None
) -> None:
    """The job may have ended long ago: its status is that of the last read, or of its creation."""
    if cancellation and refusal:
        refused = cancellation["cancellation"].model_copy(update={"last_refusal": refusal})
        cancellation = {"cancellation": refused}
    away = Failure(code=ErrorCode.SERVICE_UNAVAILABLE, message="GET … answered 503.", retryable=True)
    end = end_of(run(status="Preparing", asked=asked, problem=away, failures=9, **cancellation), after(now))
    assert end is not None and end.error is not None
    message = end.error.message
    assert limit in message
    assert "still Preparing" not in message and "(Preparing)" not in message
    assert "its last known status is Preparing, as the last read failed: GET … answered 503." in message
    assert ("The last request to cancel it failed: POST …/cancel answered 403." in message) is bool(
        cancellation and refusal
    )


def test_the_message_of_a_run_that_ends_has_room_for_both_failures() -> None:
    away = Failure(code=ErrorCode.SERVICE_UNAVAILABLE, message="x" * 1_000, retryable=True)
    cancellation = canceling(REQUEST, 20, gives_up_at=1_820, last_refusal="y" * 1_000)
    end = end_of(run(status="Preparing", problem=away, failures=9, **cancellation), after(1_820))
    assert end is not None and end.error is not None
    assert len(end.error.message) <= MAX_MESSAGE_LENGTH
    assert "x" * 299 in end.error.message and "y" * 299 in end.error.message


def test_why_a_cancel_was_refused_is_not_cut_off_behind_a_long_address() -> None:
    refusal = (
        f"POST https://management.azure.com{WORKSPACE_ID}/jobs/batchjob-{'0' * 36}/cancel".ljust(400, "x")
        + " answered 403. It says: AuthorizationFailed: The client has no right to cancel jobs."
    )
    cancellation = canceling(REQUEST, 20, gives_up_at=1_820, last_refusal=refusal)
    end = end_of(run(status="Running", **cancellation), after(1_820))
    assert end is not None and end.error is not None
    assert end.error.message.endswith(refusal)


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
