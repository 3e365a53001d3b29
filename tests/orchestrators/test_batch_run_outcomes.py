"""How a run ends, which failures it survives, and how it cancels its job: through the SDK's own replay."""

import json
from datetime import timedelta

import pytest

from batch.advice import advice, advice_meanwhile
from batch.errors import ErrorCode
from tests.batch.builders import after, request
from tests.orchestrators.execution import Handle
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
    waiting,
)

CANCELED = {"status": "Canceled", "cancel_requested": False}
CANCELED_ON_REQUEST = {"status": "Canceled", "cancel_requested": True}


@pytest.mark.parametrize(
    ("check", "phase", "code", "says"),
    [
        ({"status": "Failed"}, "Failed", "job_failed", "Job batchjob-1 failed."),
        (CANCELED, "Canceled", "job_canceled", "not by this run"),
        (CANCELED_ON_REQUEST, "Canceled", "job_canceled", "Canceled on request"),
    ],
)
def test_any_other_end_fails_the_orchestration_with_its_reason(
    handle: Handle, check: object, phase: str, code: str, says: str
) -> None:
    answer = submitted(handle).complete(check)
    assert answer.ended
    assert answer.error is not None
    assert says in answer.error
    assert custom_status(answer)["phase"] == phase
    assert custom_status(answer)["error"] == {
        "code": code,
        "message": answer.error,
        "advice": advice(code),
    }


def test_a_refused_token_fails_the_run_before_anything_is_submitted(handle: Handle) -> None:
    execution = started(handle)
    answer = execution.complete(error(ErrorCode.TOKEN_REFUSED, "No token for https://ml.azure.com as x."))
    assert answer.error == "No token for https://ml.azure.com as x."
    assert "invoke" not in json.dumps(answer.actions)
    assert (custom_status(answer)["phase"], custom_status(answer)["job"]) == ("Failed", None)


def test_a_refused_submission_fails_the_run(handle: Handle) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete(error(ErrorCode.ACCESS_DENIED, "The identity needs a role."))
    assert answer.error == "The identity needs a role."


def test_a_run_canceled_before_submission_ends_without_a_job(handle: Handle) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete({"canceled": True})
    assert answer.error is not None
    assert "before a job was submitted" in answer.error
    assert (custom_status(answer)["phase"], custom_status(answer)["job"]) == ("Canceled", None)


def test_a_retryable_step_is_retried(handle: Handle) -> None:
    execution = started(handle)
    busy = error(ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retryable=True, retry_after=30)
    answer = execution.complete(busy)
    assert answer.waits
    assert execution.timer_at == execution.now + timedelta(seconds=30)
    assert custom_status(answer)["problem"] == {
        "code": "service_unavailable",
        "message": "It is busy.",
        "advice": advice_meanwhile("service_unavailable"),
    }
    execution.fire()
    execution = execution.next()
    assert execution.answer.activity == ("authorize", {})
    execution.complete(IDENTITY)
    assert execution.complete(busy).waits
    execution.fire()
    assert execution.next().answer.activity[0] == "invoke"


@pytest.mark.parametrize("steps", [[], [IDENTITY], [IDENTITY, JOB]])
def test_a_step_that_raises_is_retried_as_one_that_fails(handle: Handle, steps: list[object]) -> None:
    execution = started(handle)
    for step in steps:
        execution.complete(step)
    name = execution.answer.activity[0]
    answer = execution.fail(f"Activity function '{name}' failed:  ValueError: Bearer S3cr3tMarker")
    assert answer.waits
    problem = custom_status(answer)["problem"]
    assert problem["code"] == "internal"
    assert name in problem["message"]
    assert "S3cr3tMarker" not in json.dumps(custom_status(answer))
    assert execution.timer_at == execution.now + timedelta(seconds=2)
    execution.fire()
    assert execution.next().answer.activity[0] == name


def test_a_step_that_raises_five_times_fails_the_run(handle: Handle) -> None:
    execution = started(handle)
    for _ in range(4):
        execution.fail("boom")
        execution.fire()
        execution = execution.next()
    answer = execution.fail("boom")
    assert answer.error is not None
    assert "authorize crashed: boom" in answer.error


def test_a_status_that_cannot_be_read_is_not_a_failure_of_the_job(handle: Handle) -> None:
    execution = submitted(handle)
    for failures in range(1, 20):
        answer = execution.complete(error(ErrorCode.SERVICE_UNAVAILABLE, retryable=True))
        assert answer.waits
        execution.fire()
        assert json.loads(execution.answer.continued_with)["failures"] == failures
        execution = execution.next()
    assert execution.complete({"status": "Completed"}).output["checks"] == 20


def test_a_run_fails_when_its_job_cannot_be_read_for_fifteen_minutes(handle: Handle) -> None:
    execution = submitted(handle)
    while (answer := execution.complete(error(ErrorCode.NOT_FOUND, "No such job."))).waits:
        assert execution.now < after(3 + 15 * 60)
        execution.fire()
        execution = execution.next()
    assert answer.error is not None
    assert answer.error.startswith("No such job. The run gave up after")
    assert after(3 + 15 * 60) <= execution.now <= after(3 + 15 * 60 + 125)


def test_a_check_that_succeeds_starts_the_fifteen_minutes_again(handle: Handle) -> None:
    execution = submitted(handle)
    for step in range(100):
        refused = step % 8 != 7
        assert execution.complete(error(ErrorCode.ACCESS_DENIED) if refused else RUNNING).waits
        execution.fire()
        execution = execution.next()
    assert execution.now > after(30 * 60)


def test_a_cancel_on_request_goes_to_the_job_and_its_status_decides(handle: Handle) -> None:
    execution = submitted(handle)
    assert execution.complete({"status": "Running", "cancel_requested": True}).activity == CANCEL
    answer = execution.complete({"accepted": True})
    assert answer.waits
    assert custom_status(answer)["phase"] == "Canceling"
    assert custom_status(answer)["cancellation"]["cause"] == "request"
    assert custom_status(answer)["cancellation"]["accepted"] is True
    execution.fire()
    execution = execution.next()
    assert execution.complete({"status": "CancelRequested", "cancel_requested": True}).waits
    execution.fire()
    lost = execution.next().complete({"status": "Completed", "cancel_requested": True})
    assert lost.output["outcome"] == "Completed"


def test_a_refused_cancel_is_requested_again(handle: Handle) -> None:
    execution = submitted(handle)
    execution.complete({"status": "Running", "cancel_requested": True})
    assert execution.complete(error(ErrorCode.ACCESS_DENIED, "No right to cancel.")).waits
    assert custom_status(execution.answer)["problem"]["message"] == "No right to cancel."
    execution.fire()
    execution = execution.next()
    assert execution.answer.activity == CHECK
    assert execution.complete({"status": "Running", "cancel_requested": True}).activity == CANCEL
    execution.fail("boom")
    execution.fire()
    ended = execution.next().complete({"status": "Canceled", "cancel_requested": True})
    assert ended.error is not None
    assert "Canceled on request" in ended.error


def test_the_pauses_between_refused_cancels_become_longer(handle: Handle) -> None:
    """Each execution reads the job's status first, and that succeeds."""
    execution = submitted(handle)
    pauses = []
    for _ in range(10):
        execution.complete({"status": "Running", "cancel_requested": True})
        assert execution.complete(error(ErrorCode.ACCESS_DENIED)).waits
        pauses.append((execution.timer_at - execution.now).total_seconds())
        execution.fire()
        execution = execution.next()
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_at_its_timeout_a_run_cancels_its_job(handle: Handle) -> None:
    execution = waiting(handle, request(timeout=60))
    assert execution.timer_at == after(60)
    execution.fire()
    execution = execution.next()
    assert execution.complete(RUNNING).activity == CANCEL
    assert execution.complete({"accepted": True}).waits
    execution.fire()
    ended = execution.next().complete(CANCELED)
    assert ended.error == "Job batchjob-1 did not end within the timeout of 60 s and was canceled."
    assert custom_status(ended)["phase"] == "TimedOut"


def test_at_its_timeout_a_run_leaves_its_job_if_asked_to(handle: Handle) -> None:
    execution = waiting(handle, request(timeout=60, on_timeout="leave"))
    execution.fire()
    ended = execution.next().complete(RUNNING)
    assert ended.error is not None
    assert "left as it is (Running)" in ended.error
    assert custom_status(ended)["phase"] == "TimedOut"
    assert "cancel_job" not in json.dumps(ended.actions)


def test_the_queue_timeout_counts_until_the_job_runs(handle: Handle) -> None:
    asked = request(queue_timeout=30)
    queued = waiting(handle, asked, {"status": "Queued"})
    assert queued.timer_at == after(32)
    queued.fire()
    execution = queued.next()
    assert execution.complete({"status": "Queued"}).activity == CANCEL
    running = waiting(handle, asked, RUNNING)
    assert running.timer_at == after(123)
