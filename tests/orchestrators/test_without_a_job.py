"""A run that has no job yet: when it submits, and when it only looks, through the SDK's own replay."""

import json
from typing import Any

import pytest

from batch.errors import ErrorCode
from batch.run.state import Run, SubmissionDoubt
from tests.batch.builders import after, request
from tests.orchestrators.execution import ACTIVITY, Answer, Execution, Handle
from tests.orchestrators.steps import (
    CANCEL,
    CHECK,
    IDENTITY,
    JOB,
    RUNNING,
    custom_status,
    error,
    started,
    submitted,
)

BUSY = error(ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retryable=True, retry_after=3_600)
UNCERTAIN = error(ErrorCode.SUBMISSION_UNCERTAIN, "It may or may not exist.", retryable=True)
PERMANENTLY_UNCERTAIN = error(ErrorCode.SUBMISSION_UNCERTAIN, "It cannot be known.")
UNCHANGED, ABSENT, NOTHING_SUBMITTED = {"unchanged": True}, {"absent": True}, {"canceled": True}

steps_before = pytest.mark.parametrize("steps", [[], [IDENTITY]], ids=["authorizing", "submitting"])


def _activities(answer: Answer) -> list[tuple[str, str | None]]:
    """Name and purpose of each since the execution began."""
    return [
        (action["functionName"], json.loads(action["input"]).get("purpose"))
        for action in answer.actions
        if action["actionType"] == ACTIVITY
    ]


def _failing(handle: Handle, steps: list[Any], failure: Any = BUSY, **asked: Any) -> Execution:
    """Waits for its next try."""
    execution = started(handle, request(**asked))
    for step in steps:
        execution.complete(step)
    assert execution.complete(failure).waits
    return execution


def _nudged(execution: Execution, after: float = 5) -> Execution:
    """The execution that follows the nudge."""
    execution.nudge(after=after)
    return execution.next()


@steps_before
def test_a_nudge_before_the_next_try_only_looks_for_a_cancel(handle: Handle, steps: list[Any]) -> None:
    execution = _failing(handle, steps)
    due = execution.timer_at
    assert due == after(3_601 + len(steps))
    before = custom_status(execution.answer)
    for _ in range(5):
        execution = _nudged(execution)
        assert _activities(execution.answer) == [("invoke", "notice_cancel")]
        answer = execution.complete(UNCHANGED)
        assert answer.waits
        assert _activities(answer) == [("invoke", "notice_cancel")]
        assert execution.timer_at == due
        assert custom_status(answer) == before
    execution.fire()
    execution = execution.next()
    assert execution.now == due
    tries = ("invoke", "submit") if steps else ("authorize", None)
    assert _activities(execution.answer) == [tries]


@steps_before
def test_a_cancel_that_is_noticed_ends_the_run(handle: Handle, steps: list[Any]) -> None:
    answer = _nudged(_failing(handle, steps)).complete(NOTHING_SUBMITTED)
    assert answer.error is not None
    assert "before a job was submitted" in answer.error
    assert (custom_status(answer)["phase"], custom_status(answer)["job"]) == ("Canceled", None)


def test_a_look_for_a_cancel_that_fails_does_not_bring_the_next_try_forward(handle: Handle) -> None:
    execution = _failing(handle, [IDENTITY])
    due = execution.timer_at
    for fails in (lambda looking: looking.complete(BUSY), lambda looking: looking.fail("boom")):
        execution = _nudged(execution)
        assert fails(execution).waits
        assert execution.timer_at == due


def test_a_nudge_during_the_first_try_is_answered_before_the_next(handle: Handle) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    execution.nudge()
    answer = execution.complete(BUSY)
    assert answer.continued_with is not None
    assert _activities(execution.next().answer) == [("invoke", "notice_cancel")]


@pytest.mark.parametrize("failure", [UNCERTAIN, BUSY], ids=["uncertain", "busy"])
def test_transient_failures_do_not_end_a_run_whatever_their_count(handle: Handle, failure: Any) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    for failures in range(1, 20):
        assert execution.complete(failure).waits
        execution.fire()
        assert json.loads(execution.answer.continued_with)["failures"] == failures
        execution = execution.next()
        assert _activities(execution.answer) == [("invoke", "submit")]
    assert execution.complete(JOB).activity == CHECK
    assert "problem" not in custom_status(execution.complete(RUNNING))


def test_a_permanent_doubt_ends_the_run(handle: Handle) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete(PERMANENTLY_UNCERTAIN)
    assert (answer.error, custom_status(answer)["phase"]) == ("It cannot be known.", "Failed")


def _past_its_deadline(handle: Handle, steps: list[Any], failure: Any = BUSY) -> Execution:
    execution = _failing(handle, steps, failure, timeout=60)
    while execution.now < after(60):
        execution.fire()
        execution = execution.next()
        if execution.now < after(60):
            execution.complete(failure)
    assert execution.now == after(60)
    return execution


@steps_before
@pytest.mark.parametrize(
    ("found", "phase", "says"),
    [
        (
            ABSENT,
            "TimedOut",
            "No job was submitted within the timeout of 60 s. The last problem was: It is busy.",
        ),
        (
            BUSY,
            "Failed",
            "Submission uncertain: the job may or may not exist, and the search failed: It is busy."
            " Nothing is submitted again while that is so.",
        ),
        (UNCERTAIN, "Failed", "It may or may not exist."),
        (PERMANENTLY_UNCERTAIN, "Failed", "It cannot be known."),
        (NOTHING_SUBMITTED, "Canceled", "Canceled on request, before a job was submitted."),
    ],
)
def test_past_the_deadline_a_job_is_looked_for_and_none_submitted(
    handle: Handle, steps: list[Any], found: Any, phase: str, says: str
) -> None:
    execution = _past_its_deadline(handle, steps)
    assert _activities(execution.answer) == [("invoke", "find")]
    answer = execution.complete(found)
    assert (answer.ended, answer.error, custom_status(answer)["phase"]) == (True, says, phase)
    assert _activities(answer) == [("invoke", "find"), ("record_end", None)]


def test_a_job_that_is_found_past_the_deadline_is_canceled(handle: Handle) -> None:
    execution = _past_its_deadline(handle, [IDENTITY], UNCERTAIN)
    assert _activities(execution.answer) == [("invoke", "find")]
    assert execution.complete(JOB).activity == CHECK
    assert execution.complete(RUNNING).activity == CANCEL
    assert execution.complete({"accepted": True}).waits
    assert custom_status(execution.answer)["cancellation"]["cause"] == "timeout"


def test_a_nudge_past_the_deadline_submits_nothing_either(handle: Handle) -> None:
    """The nudge arrives before the deadline, and the next execution begins after it."""
    execution = _failing(handle, [IDENTITY], timeout=60)
    execution.nudge(after=1)
    execution.now = after(61)
    assert _activities(execution.next().answer) == [("invoke", "find")]


def test_an_authorization_that_ends_past_the_deadline_submits_nothing(handle: Handle) -> None:
    execution = started(handle, request(timeout=60))
    execution.complete(IDENTITY, after=60)
    assert ("invoke", "submit") not in _activities(execution.answer)


@pytest.mark.parametrize("answer", [{}, {"surprise": 1}, None, "text", {"job": {"no": "name"}}, {"error": 5}])
def test_an_answer_that_cannot_be_read_is_a_failed_step_and_a_job_is_searched_for(
    handle: Handle, answer: object
) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    execution.complete(answer)
    problem = custom_status(execution.answer)["problem"]
    assert problem["code"] == "internal"
    assert "the answer has a form that this version does not know" in problem["message"]
    assert "pydantic" not in problem["message"]
    state = Run.from_json(json.loads(execution.fire().continued_with))
    assert state.submission is SubmissionDoubt.CRASHED


@pytest.mark.parametrize("answer", [{}, {"cancel_requested": True}, {"job_status": "Running"}, 5])
def test_a_check_whose_answer_cannot_be_read_keeps_the_job(handle: Handle, answer: object) -> None:
    execution = submitted(handle)
    execution.complete(answer)
    status = custom_status(execution.answer)
    assert (status["phase"], status["problem"]["code"], status["job"]["name"]) == (
        "Queued",
        "internal",
        "batchjob-1",
    )
    execution.fire()
    assert execution.next().answer.activity == CHECK
