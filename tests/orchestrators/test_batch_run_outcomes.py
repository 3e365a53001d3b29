"""How a run ends, which failures it survives, and how it cancels its job: through the SDK's own replay."""

import json
from datetime import timedelta
from typing import Any

import pytest

from batch.advice import advice, advice_meanwhile
from batch.errors import ErrorCode
from batch.run.request import RunRequest
from batch.run.state import CancelCause, Run
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after, canceling, request, run
from tests.orchestrators.execution import Execution, Handle
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


@pytest.mark.parametrize("code", [ErrorCode.REQUEST_REJECTED, ErrorCode.NOT_FOUND])
def test_a_rejected_submission_fails_the_run_at_once(handle: Handle, code: ErrorCode) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete(error(code, "There is no such deployment."))
    assert (answer.error, answer.code) == ("There is no such deployment.", code)


DENIED = error(ErrorCode.ACCESS_DENIED, "The identity needs a role.")


def test_a_submission_without_the_right_to_is_tried_again_for_fifteen_minutes(handle: Handle) -> None:
    """A role that is given takes effect some minutes later. The last try comes at the end of that time."""
    execution = started(handle)
    execution.complete(IDENTITY)
    first, tries = after(2), 1
    while (answer := execution.complete(DENIED)).waits:
        assert custom_status(answer)["phase"] == "Submitting"
        assert custom_status(answer)["problem"]["code"] == "access_denied"
        execution.fire()
        execution = execution.next()
        assert execution.answer.activity[1]["purpose"] == "submit"
        tried_at, tries = execution.now, tries + 1
        assert tried_at <= first + timedelta(minutes=15)
    assert tried_at == first + timedelta(minutes=15)
    assert answer.error == (
        f"The identity needs a role. The run gave up after {tries} tries in 15 minutes; it has no job."
    )
    assert (custom_status(answer)["phase"], answer.code) == ("Failed", "access_denied")


def test_a_role_that_takes_effect_within_fifteen_minutes_lets_the_run_submit(handle: Handle) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    while execution.now < after(3 * 60):
        assert execution.complete(DENIED).waits
        execution.fire()
        execution = execution.next()
    assert execution.complete(JOB).activity == CHECK
    assert "problem" not in custom_status(execution.answer)


@pytest.mark.parametrize("nudged_at", [30, 13 * 60])
def test_a_nudge_does_not_end_the_tries_of_a_submission_earlier(handle: Handle, nudged_at: float) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    nudged = False
    while execution.complete(DENIED).waits:
        if not nudged and execution.now >= after(nudged_at):
            nudged = True
            due = execution.timer_at
            execution.nudge()
            execution = execution.next()
            # The answer comes only when the next try is due.
            late = (due - execution.now).total_seconds() + 5
            assert execution.complete({"unchanged": True}, after=late).waits
        execution.fire()
        execution = execution.next()
    assert nudged
    assert execution.now >= after(15 * 60)
    assert custom_status(execution.answer)["phase"] == "Failed"


@pytest.mark.parametrize("steps", [[], [IDENTITY]], ids=["authorize", "invoke"])
def test_a_run_waits_until_its_timeout_for_a_token(handle: Handle, steps: list[object]) -> None:
    no_token = error(ErrorCode.TOKEN_UNAVAILABLE, "No identity.", retryable=True)
    execution = started(handle, request(timeout=3_600))
    for step in steps:
        execution.complete(step)
    while execution.complete(no_token).waits:
        problem = custom_status(execution.answer)["problem"]
        assert problem["advice"] == advice_meanwhile("token_unavailable")
        execution.fire()
        execution = execution.next()
        if execution.answer.activity[1].get("purpose") == "find":
            break
    answer = execution.complete({"absent": True})
    assert execution.now >= after(3_600)
    assert answer.error == (
        "No job was submitted within the timeout of 3600 s. The last problem was: No identity."
    )
    assert custom_status(answer)["phase"] == "TimedOut"


def test_an_identity_that_comes_back_lets_the_run_go_on(handle: Handle) -> None:
    execution = started(handle)
    while execution.now < after(120):
        assert execution.complete(error(ErrorCode.TOKEN_UNAVAILABLE, retryable=True)).waits
        execution.fire()
        execution = execution.next()
    assert execution.complete(IDENTITY).activity[0] == "invoke"


@pytest.mark.parametrize("version", ["", "1.0", "1.1", "1.2"])
def test_a_run_of_an_earlier_version_keeps_the_patience_of_that_version(handle: Handle, version: str) -> None:
    given = json.dumps(Run(request=request()).to_json())
    refused = Execution(handle, given, START, version=version)
    refused.complete(IDENTITY)
    assert refused.complete(DENIED).error == "The identity needs a role."
    execution, tries = Execution(handle, given, START, version=version), 1
    while execution.complete(error(ErrorCode.TOKEN_UNAVAILABLE, retryable=True)).waits:
        execution.fire()
        execution, tries = execution.next(), tries + 1
    assert tries == 5
    assert custom_status(execution.answer)["error"]["code"] == "token_unavailable"


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
        "since": format_timestamp(execution.now),
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


@pytest.mark.parametrize(
    ("asked", "seconds"), [(request(), 1_800), (request(cancel_timeout=60, poll_interval=3_600), 60)]
)
@pytest.mark.parametrize(
    ("canceled", "says"),
    [
        ({"accepted": True}, ""),
        (
            error(ErrorCode.ACCESS_DENIED, "No right to cancel."),
            " The last request to cancel it failed: No right to cancel.",
        ),
    ],
)
def test_a_cancel_on_request_is_given_up_after_its_own_time(
    handle: Handle, asked: RunRequest, seconds: int, canceled: dict[str, Any], says: str
) -> None:
    execution = submitted(handle, asked)
    while True:
        answer = execution.complete({"status": "Running", "cancel_requested": True})
        if answer.ended:
            break
        if not answer.waits:
            assert answer.activity == CANCEL
            assert execution.complete(canceled).waits
        execution.fire()
        execution = execution.next()
    assert after(3 + seconds - 1) <= execution.now <= after(3 + seconds + 1)
    assert custom_status(answer)["phase"] == "TimedOut"
    assert (answer.code, answer.error) == (
        "timed_out",
        f"Job batchjob-1 was not canceled within the cancel_timeout of {seconds} s after the request at"
        f" 2026-01-31T12:00:03.000Z: it was still Running.{says}",
    )


def test_a_cancel_that_was_requested_before_an_upgrade_waits_as_before(handle: Handle) -> None:
    """The state has no time to give up: it waits until the run's timeout and the grace after it."""
    before = run(status="Running", asked=request(timeout=7_200), **canceling(CancelCause.REQUEST, 20))
    execution = Execution(handle, json.dumps(before.to_json()), after(3_600), version="1.2")
    while (answer := execution.complete({"status": "CancelRequested", "cancel_requested": True})).waits:
        execution.fire()
        execution = execution.next()
    assert execution.now >= after(7_200 + 600)
    assert custom_status(answer)["phase"] == "TimedOut"


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
