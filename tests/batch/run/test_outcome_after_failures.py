"""How a run ends after failed steps. Times are seconds after the start; a job is submitted ten seconds after it."""

from typing import Any

import pytest

from batch.errors import TRANSIENT_CODES, ErrorCode
from batch.run.next_step import cancel_due, invoke_mode
from batch.run.outcome import end_of
from batch.run.phases import Phase
from batch.run.request import RunRequest
from batch.run.state import CancelCause
from batch.run.steps import Failure, Invoked, InvokeMode
from tests.batch.builders import after, canceling, failure, request, run

SHORT = request(timeout=100)
LEAVE = request(timeout=100, on_timeout="leave")
UNAVAILABLE = failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)
UNCERTAIN = failure(ErrorCode.SUBMISSION_UNCERTAIN, retryable=True)
REFUSALS = (
    ErrorCode.ACCESS_DENIED,
    ErrorCode.TOKEN_REFUSED,
    ErrorCode.REQUEST_REJECTED,
    ErrorCode.NOT_FOUND,
)


@pytest.mark.parametrize(
    ("code", "retryable", "failures", "fails"),
    [
        (ErrorCode.TOKEN_REFUSED, False, 1, True),
        (ErrorCode.NOT_FOUND, False, 1, True),
        (ErrorCode.REQUEST_REJECTED, False, 1, True),
        (ErrorCode.SUBMISSION_UNCERTAIN, False, 1, True),
        (ErrorCode.TOKEN_UNAVAILABLE, True, 1_000, False),
        (ErrorCode.TOKEN_UNAVAILABLE, False, 1, True),
        (ErrorCode.SUBMISSION_UNCERTAIN, True, 5, False),
        (ErrorCode.SUBMISSION_UNCERTAIN, True, 1_000, False),
        (ErrorCode.INTERNAL, True, 4, False),
        (ErrorCode.INTERNAL, True, 5, True),
        (ErrorCode.SERVICE_UNAVAILABLE, True, 1, False),
        (ErrorCode.SERVICE_UNAVAILABLE, True, 1_000, False),
        (ErrorCode.SERVICE_UNAVAILABLE, False, 1, True),
    ],
)
def test_failures_before_there_is_a_job(code: ErrorCode, retryable: bool, failures: int, fails: bool) -> None:
    lasting = 0 if code in TRANSIENT_CODES else failures
    failing = run(problem=failure(code, retryable=retryable), failures=failures, lasting_failures=lasting)
    end = end_of(failing, after(20))
    assert (end is not None) is fails
    if end is not None:
        assert (end.outcome, end.error) == (Phase.FAILED, failing.problem)


@pytest.mark.parametrize(
    ("now", "change", "ends"),
    [
        (20, {}, False),
        (899.999 + 20, {}, False),
        (900 + 20, {}, True),
        (5_000, {}, True),
        # The last try is still due: a nudge came shortly before it.
        (900 + 20, {"step_due_at": after(920)}, False),
        (5_000, {"problem": UNAVAILABLE}, False),
        (5_000, {"problem": failure(ErrorCode.INTERNAL, retryable=True), "lasting_failures": 4}, False),
        # Any other refusal is final at once.
        (20, {"problem": failure(ErrorCode.REQUEST_REJECTED)}, True),
        (20, {"problem": failure(ErrorCode.NOT_FOUND)}, True),
        # A run of a version before 1.3 does not wait for roles.
        (20, {"refused_since": None}, True),
    ],
)
def test_a_submission_that_is_refused_is_given_up_after_fifteen_minutes(
    now: float, change: dict[str, Any], ends: bool
) -> None:
    denied = {"problem": failure(ErrorCode.ACCESS_DENIED), "failures": 12, "refused_since": after(20)}
    refused = run(identity={"client_id": "c"}, **{**denied, **change})
    end = end_of(refused, after(now))
    assert (end is not None) is ends
    if end is not None:
        assert refused.problem is not None
        assert end.outcome is Phase.FAILED
        assert end.error is not None and end.error.code == refused.problem.code


def test_a_submission_that_is_given_up_says_for_how_long_it_was_tried() -> None:
    denied = {"problem": failure(ErrorCode.ACCESS_DENIED), "failures": 12, "refused_since": after(20)}
    end = end_of(run(identity={"client_id": "c"}, **denied), after(921))
    assert end is not None and end.error is not None
    assert end.error.message == "It went wrong. The run gave up after 12 tries in 15 minutes; it has no job."


@pytest.mark.parametrize("code", [ErrorCode.TOKEN_UNAVAILABLE, ErrorCode.INTERNAL])
def test_transient_failures_do_not_count_towards_giving_up(code: ErrorCode) -> None:
    failing = run(problem=failure(code, retryable=True), failures=1_000, lasting_failures=4)
    assert end_of(failing, after(20)) is None


def test_a_crash_of_the_step_that_submits_leaves_it_open_whether_there_is_a_job() -> None:
    crashed = run(identity={"client_id": "c"}, problem=failure(ErrorCode.INTERNAL, retryable=True))
    assert end_of(crashed.model_copy(update={"lasting_failures": 4}), after(20)) is None
    end = end_of(crashed.model_copy(update={"lasting_failures": 5}), after(20))
    assert end is not None
    assert end.outcome is Phase.FAILED
    assert end.error is not None
    assert end.error.code == ErrorCode.SUBMISSION_UNCERTAIN
    assert "because the step that submits it crashed: It went wrong." in end.error.message


def test_past_the_deadline_a_job_is_searched_for_if_the_step_that_submits_crashed() -> None:
    crashed = run(
        asked=SHORT,
        identity={"client_id": "c"},
        problem=failure(ErrorCode.INTERNAL, retryable=True),
        failures=1,
    )
    assert end_of(crashed, after(121)) is None
    assert invoke_mode(crashed, after(121)) is InvokeMode.FIND
    absent = crashed.invoked(Invoked.from_json({"absent": True}), after(122), InvokeMode.FIND)
    uncertain = crashed.invoked(
        Invoked.from_json({"error": UNAVAILABLE.model_dump()}), after(122), InvokeMode.FIND
    )
    for searched, outcome in ((absent, Phase.TIMED_OUT), (uncertain, Phase.FAILED)):
        end = end_of(searched, after(122))
        assert end is not None
        assert end.outcome is outcome


@pytest.mark.parametrize("asked", [SHORT, LEAVE])
@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (None, Phase.TIMED_OUT),
        (UNAVAILABLE, Phase.TIMED_OUT),
        (failure(ErrorCode.TOKEN_UNAVAILABLE, retryable=True), Phase.TIMED_OUT),
        (failure(ErrorCode.INTERNAL, retryable=True), Phase.TIMED_OUT),
        (UNCERTAIN, Phase.FAILED),
        (failure(ErrorCode.SUBMISSION_UNCERTAIN), Phase.FAILED),
    ],
)
def test_a_run_that_does_not_know_whether_there_is_a_job_does_not_say_that_there_is_none(
    asked: RunRequest, last: Failure | None, outcome: Phase
) -> None:
    end = end_of(run(asked=asked, problem=last, failures=1 if last else 0), after(100))
    assert end is not None
    assert end.outcome is outcome
    assert end.error is not None
    if outcome is Phase.FAILED:
        assert end.error == last
    else:
        assert "No job was submitted" in end.error.message


@pytest.mark.parametrize(
    ("code", "retryable", "failures", "failing_for", "fails"),
    [
        *(
            (code, False, failures, failing_for, fails)
            for code in REFUSALS
            for failures, failing_for, fails in [
                (1, 0, False),
                (1, 5_000, False),
                (4, 5_000, False),
                (5, 899.999, False),
                (1_000, 899.999, False),
                (5, 900, True),
                (1_000, 5_000, True),
            ]
        ),
        # Retryable failures are bounded by the timeouts alone.
        (ErrorCode.SERVICE_UNAVAILABLE, True, 1_000, 5_000, False),
        (ErrorCode.TOKEN_UNAVAILABLE, True, 1_000, 5_000, False),
        (ErrorCode.INTERNAL, True, 1_000, 5_000, False),
    ],
)
def test_a_job_that_cannot_be_read_has_not_failed(
    code: ErrorCode, retryable: bool, failures: int, failing_for: float, fails: bool
) -> None:
    lasting = 0 if code in TRANSIENT_CODES else failures
    counts = {"failures": failures, "lasting_failures": lasting}
    reading: dict[str, Any] = {"problem": failure(code, retryable=retryable), **counts}
    # The time since the first failure counts, not the age of the run.
    for since in (20, 40_000):
        end = end_of(run(status="Running", failing_since=after(since), **reading), after(since + failing_for))
        assert (end is not None) is fails
        if end is not None:
            assert end.outcome is Phase.FAILED
            assert end.error is not None
            assert end.error.code == code
            assert "job batchjob-1 may still run" in end.error.message


def test_an_error_while_canceling_does_not_end_the_run() -> None:
    refused: dict[str, Any] = {"problem": failure(ErrorCode.ACCESS_DENIED), "failures": 100}
    refusing = run(
        status="Running",
        failing_since=after(20),
        **refused,
        **canceling(CancelCause.REQUEST, 20, accepted=False, attempts=100),
    )
    assert end_of(refusing, after(5_000)) is None
    assert cancel_due(refusing, after(5_000)) is CancelCause.REQUEST
