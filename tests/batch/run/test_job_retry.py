"""When a run submits another job. Times are seconds after the start."""

from typing import Any

import pytest
from hypothesis import given

from batch.azure_ml.job_error import reason_of
from batch.errors import ErrorCode
from batch.run.job_retry import RetryOn, passing_cause, run_with_next_job
from batch.run.next_step import invoke_mode, next_step_at
from batch.run.outcome import end_of, explained
from batch.run.phases import Phase
from batch.run.state import CancelCause, EarlierJob, Run
from batch.run.steps import Checked, Invoked, InvokeMode, Job, JobReason
from tests.batch.builders import STUDIO_URL, after, canceling, failure, request, run
from tests.batch.strategies import runs

PREEMPTED_TEXT = (
    "AzureMLCompute job failed.\nPreemptionError: Nodes of this job got pre-empted. Check if the run has failed or"
    " restarted. Reason: Received pre-emption warning signal"
)
PREEMPTED = JobReason(code="UserError", message=PREEMPTED_TEXT.partition("\n")[2])
SERVICE_ERROR = JobReason(code="ServiceError", message="InternalServerError")
SCRIPT_ERROR = JobReason(code="UserError", message="ValueError: could not convert string to float: 'n/a'")
BOTH = ("preemption", "service")
NEXT = Job(name="batchjob-2", status="Queued")


@pytest.mark.parametrize(
    ("code", "message", "cause"),
    [
        ("UserError", PREEMPTED_TEXT, RetryOn.PREEMPTION),
        ("UserError", PREEMPTED_TEXT.replace("\n", " "), RetryOn.PREEMPTION),
        ("UserError", f"UserError: {PREEMPTED_TEXT}".replace("\n", " "), RetryOn.PREEMPTION),
        ("ServiceError", PREEMPTED.message, RetryOn.PREEMPTION),
        ("PreemptionError", "Nodes of this job got pre-empted.", RetryOn.PREEMPTION),
        ("ServiceError", "InternalServerError", RetryOn.SERVICE),
        ("serviceerror", "AzureMLCompute job failed.\nOrchestrateJobError: Failed.", RetryOn.SERVICE),
        ("SystemError", "The service is busy.", RetryOn.SERVICE),
        ("TransientError", "Try again.", RetryOn.SERVICE),
        ("RequestThrottled", "Too many requests.", RetryOn.SERVICE),
        ("UserError", SCRIPT_ERROR.message, None),
        ("UserError", "Exception: this machine was preempted, says the script", None),
        ("UserError", "RuntimeError: PreemptionError is what I feared", None),
        ("UserError", "MyPreemptionError: no", None),
        ("UserError", "AzureMLCompute job failed.\nFailed to pull Docker image: ServiceError", None),
        ("ValidationError", "The name is too long.", None),
        ("AzureStorageError", "This request is not authorized.", None),
        ("CodeOfTomorrow", "It went wrong.", None),
        (None, "ServiceError", None),
    ],
)
def test_what_run_history_says_is_known_to_pass_or_not(
    code: str | None, message: str, cause: RetryOn | None
) -> None:
    reason = reason_of({"code": code, "message": message})
    assert reason is not None
    assert passing_cause(reason) is cause


def test_an_unknown_reason_is_not_known_to_pass() -> None:
    assert passing_cause(None) is None


def _failed(reason: JobReason | None = PREEMPTED, now: float = 500, **state: Any) -> Run | None:
    asked = {"job_attempts": 3, "retry_on": BOTH, **state.pop("asked", {})}
    before = run(**{"status": "Failed", "asked": request(**asked), **state})
    end = end_of(before, after(now))
    assert end is not None
    return run_with_next_job(before, explained(end, reason), after(now))


def test_the_run_goes_on_without_a_job_after_a_pause() -> None:
    now = 500
    state = _failed(running_at=after(60), stalled_since=after(400), checks=4, last_check_at=after(now))
    assert state is not None
    assert (state.job, state.job_attempt, state.checks) == (None, 2, 4)
    assert state.earlier_jobs == (EarlierJob(name="batchjob-1", studio_url=STUDIO_URL, reason=PREEMPTED),)
    assert (state.submitted_at, state.running_at, state.stalled_since) == (None, None, None)
    assert state.phase is Phase.SUBMITTING
    assert end_of(state, after(now)) is None
    assert next_step_at(state, after(now)) == after(now + 30)
    assert invoke_mode(state, after(now + 29)) is InvokeMode.CHECK_FOR_CANCEL
    assert invoke_mode(state, after(now + 30)) is InvokeMode.SUBMIT


def test_a_nudge_does_not_shorten_the_pause() -> None:
    state = _failed()
    assert state is not None
    nudged = state.waited(after(530), timer_fired=False)
    looked = nudged.invoked(Invoked(unchanged=True), after(505), InvokeMode.CHECK_FOR_CANCEL)
    assert next_step_at(looked, after(505)) == after(530)


def test_the_next_job_is_followed_as_the_first_was() -> None:
    state = _failed(asked={"queue_timeout": 50, "timeout": 5_000})
    assert state is not None
    state = state.waited(after(530), timer_fired=True).invoked(Invoked(job=NEXT), after(531))
    assert (state.job, state.submitted_at, state.step_due_at) == (NEXT, after(531), None)
    completed = state.checked(Checked(status="Completed"), after(900))
    assert end_of(completed, after(900)) is not None
    assert completed.job_attempt == 2


@pytest.mark.parametrize(("ended", "pause"), [(1, 30), (2, 60), (3, 120), (4, 240)])
def test_the_pause_doubles_with_each_job(ended: int, pause: float) -> None:
    state = _failed(asked={"job_attempts": 5}, job_attempt=ended)
    assert state is not None
    assert state.step_due_at == after(500 + pause)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (None, {}),
        (SCRIPT_ERROR, {}),
        (PREEMPTED, {"asked": {"job_attempts": 1, "retry_on": ()}}),
        (PREEMPTED, {"asked": {"retry_on": ("service",)}}),
        (SERVICE_ERROR, {"asked": {"retry_on": ("preemption",)}}),
        (PREEMPTED, {"asked": {"retry_on": ("cause_of_tomorrow",)}}),
        (PREEMPTED, {"job_attempt": 3}),
        (PREEMPTED, {"status": "Canceled"}),
        (PREEMPTED, {"status": "Completed"}),
        (PREEMPTED, canceling(CancelCause.REQUEST, 400, gives_up_at=2_200)),
        (PREEMPTED, canceling(CancelCause.TIMEOUT, 400)),
        (PREEMPTED, {"asked": {"timeout": 530}}),
    ],
)
def test_the_run_ends(reason: JobReason | None, state: dict[str, Any]) -> None:
    assert _failed(reason, **state) is None


def test_a_pause_that_ends_before_the_deadline_is_short_enough() -> None:
    assert _failed(asked={"timeout": 531}) is not None


def test_a_job_that_cannot_be_read_has_not_failed() -> None:
    denied = failure(ErrorCode.ACCESS_DENIED)
    state = {"status": "Running", "problem": denied, "failures": 9, "lasting_failures": 9}
    assert _failed(now=2_000, failing_since=after(20), **state) is None


@given(runs())
def test_no_other_run_than_one_whose_job_failed_goes_on(state: Run) -> None:
    end = end_of(state, after(500))
    if end is None:
        return
    again = run_with_next_job(state, explained(end, PREEMPTED), after(500))
    if again is not None:
        assert state.job is not None
        assert (state.job.status, state.cancellation) == ("Failed", None)
        assert again.job_attempt == state.job_attempt + 1 <= state.request.job_attempts


MESSAGES = [
    ({"canceled_before_submission": True}, 600, "Canceled on request, before another job was submitted."),
    ({}, 86_400, "No further job was submitted within the timeout of 86400 s."),
    (
        {"problem": failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True), "failures": 3},
        86_400,
        "The last problem was: It went wrong.",
    ),
]


@pytest.mark.parametrize(("state", "now", "says"), MESSAGES)
def test_a_run_that_submits_no_further_job_says_what_became_of_the_last(
    state: dict[str, Any], now: float, says: str
) -> None:
    earlier = (EarlierJob(name="batchjob-1", reason=PREEMPTED),)
    end = end_of(run(identity={"client_id": "c"}, job_attempt=2, earlier_jobs=earlier, **state), after(now))
    assert end is not None
    assert end.error is not None
    assert says in end.error.message
    if "canceled" not in says:
        assert (
            "batchjob-1 had failed: PreemptionError: Nodes of this job got pre-empted." in end.error.message
        )


def test_a_job_that_has_failed_is_not_taken_for_the_next_one() -> None:
    """By a host of an earlier version, which knows of one job in each run."""
    state = _failed()
    assert state is not None
    again = state.invoked(Invoked(job=Job(name="batchjob-1", status="Failed")), after(531))
    assert again.job is None
    assert again.problem is not None
    assert (again.problem.code, again.problem.retryable) == (ErrorCode.SUBMISSION_UNCERTAIN, True)
