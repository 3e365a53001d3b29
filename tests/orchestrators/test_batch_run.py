"""The orchestrator through the SDK's own replay, with histories as the host would write them."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from batch.contract import RunRequest
from batch.errors import ErrorCode, RunError
from batch.run import Run
from tests.batch.builders import ENDPOINT_URI, START, WORKSPACE_ID, after, request
from tests.orchestrators.execution import (
    ANY,
    CONTINUE_AS_NEW,
    EXTERNAL_EVENT,
    TIMER,
    Answer,
    Execution,
    Handle,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"),
    # The SDK's word for an event that nobody waits for yet.
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning"),
]

IDENTITY = {"identity": {"client_id": "c", "token_expires_at": "2026-01-31T13:00:00.000Z"}}
JOB = {
    "job": {
        "name": "batchjob-1",
        "status": "Preparing",
        "workspace_id": WORKSPACE_ID,
        "studio_url": "https://ml.azure.com/1",
    }
}
RUNNING = {"status": "Running", "cancel_requested": False}
CHECK = ("check_status", {"run_id": "r-1", "endpoint_uri": ENDPOINT_URI, "job_name": "batchjob-1"})
CANCEL = ("cancel_job", {"job_name": "batchjob-1", "workspace_id": WORKSPACE_ID})


def _error(code: ErrorCode, message: str = "It went wrong.", **options: Any) -> dict[str, Any]:
    return {"error": RunError(code, message, **options).to_json()}


def _started(handle: Handle, asked: RunRequest | None = None) -> Execution:
    """As the Python client starts it: JSON in a text."""
    return Execution(handle, json.dumps(Run(request=asked or request()).to_json()), START)


def _submitted(handle: Handle, asked: RunRequest | None = None) -> Execution:
    """Up to its first check."""
    execution = _started(handle, asked)
    execution.complete(IDENTITY)
    execution.complete(JOB)
    return execution


def _waiting(handle: Handle, asked: RunRequest | None = None, status: object = RUNNING) -> Execution:
    execution = _submitted(handle, asked)
    execution.complete(status)
    assert execution.answer.waits
    return execution


def _told(answer: Answer) -> dict[str, Any]:
    assert answer.custom_status is not None
    return answer.custom_status


def test_authorize_invoke_check_and_wait(handle: Handle) -> None:
    execution = _started(handle)
    assert execution.answer.activity == ("authorize", {})
    assert _told(execution.answer)["phase"] == "Authorizing"

    name, given = execution.complete(IDENTITY).activity
    assert (name, given["run_id"]) == ("invoke", "r-1")
    assert RunRequest.model_validate(given["request"]).is_same_as(request())
    assert _told(execution.answer)["phase"] == "Submitting"
    assert _told(execution.answer)["identity"] == IDENTITY["identity"]

    assert execution.complete(JOB).activity == CHECK
    assert _told(execution.answer)["phase"] == "Queued"
    assert _told(execution.answer)["job"]["name"] == "batchjob-1"

    wait = execution.complete(RUNNING).actions[-1]
    assert wait["actionType"] == ANY
    timer, nudge = wait["compoundActions"]
    assert (timer["actionType"], timer["isCanceled"]) == (TIMER, False)
    assert (nudge["actionType"], nudge["externalEventName"]) == (EXTERNAL_EVENT, "nudge")
    told = _told(execution.answer)
    assert (told["phase"], told["checks"], told["job"]["status"]) == ("Running", 1, "Running")
    assert told["last_check_at"] == "2026-01-31T12:00:03.000Z"
    assert told["next_check_at"] == "2026-01-31T12:02:03.000Z"
    assert execution.timer_at == after(123)


def test_each_further_execution_begins_with_a_check_of_the_same_run(handle: Handle) -> None:
    execution = _waiting(handle)
    for checks in range(2, 6):
        answer = execution.fire()
        assert answer.actions[-1]["actionType"] == CONTINUE_AS_NEW
        state = Run.from_json(json.loads(answer.continued_with))
        assert state.to_json() == json.loads(answer.continued_with)
        assert (state.started_at, state.submitted_at, state.checks) == (START, after(2), checks - 1)
        assert state.request.is_same_as(request())
        execution = execution.next()
        assert execution.answer.activity == CHECK
        assert _told(execution.complete(RUNNING))["checks"] == checks


def test_an_input_over_plain_http_is_as_good(handle: Handle) -> None:
    execution = Execution(handle, Run(request=request()).to_json(), START)
    assert execution.answer.activity == ("authorize", {})


def test_a_nudge_cancels_the_timer_and_ends_the_execution(handle: Handle) -> None:
    execution = _waiting(handle)
    answer = execution.nudge(after=20)
    assert answer.continued_with is not None
    [timer] = [action for action in answer.decisions if action["actionType"] == TIMER]
    assert timer["isCanceled"]
    assert execution.next().answer.activity == CHECK


@pytest.mark.parametrize("payload", ["null", '{"status": "Completed"}', {"status": "Completed"}, 5, ""])
def test_a_nudge_is_obeyed_and_not_believed(handle: Handle, payload: object) -> None:
    execution = _waiting(handle)
    state = json.loads(execution.nudge(after=20, payload=payload).continued_with)
    assert state["job"]["status"] == "Running"
    assert "Completed" not in json.dumps(state)


def test_nudges_in_quick_succession_do_not_check_more_than_once_a_second(handle: Handle) -> None:
    execution = _waiting(handle)
    answer = execution.nudge(after=0.25)
    assert not answer.done
    assert answer.decisions[-2]["isCanceled"]
    assert execution.timer_at == after(4)
    assert execution.nudge(after=0.25).continued_with is None
    assert execution.fire().continued_with is not None


def test_a_nudge_during_a_check_ends_the_wait_that_follows(handle: Handle) -> None:
    execution = _submitted(handle)
    assert execution.nudge(after=0.5).activity == CHECK
    answer = execution.complete(RUNNING, after=0.5)
    assert answer.actions[-2]["compoundActions"][0]["isCanceled"]
    assert execution.timer_at == execution.now + timedelta(seconds=1)
    execution.fire()
    assert execution.next().answer.activity == CHECK


def test_other_events_are_no_nudge(handle: Handle) -> None:
    assert _waiting(handle).nudge(name="Nudge").waits


def test_a_completed_job_completes_the_run(handle: Handle) -> None:
    execution = _submitted(handle)
    answer = execution.complete({"status": "Completed", "cancel_requested": False})
    assert answer.done
    assert answer.error is None
    assert answer.output == {
        "outcome": "Completed",
        "job": {"name": "batchjob-1", "status": "Completed", "studio_url": "https://ml.azure.com/1"},
        "outputs": {"output_data": "azureml://datastores/lake/paths/out/r-1.csv"},
        "started_at": "2026-01-31T12:00:00.000Z",
        "submitted_at": "2026-01-31T12:00:02.000Z",
        "ended_at": "2026-01-31T12:00:03.000Z",
        "checks": 1,
    }
    assert (_told(answer)["phase"], _told(answer)["next_check_at"]) == ("Completed", None)


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
    answer = _submitted(handle).complete(check)
    assert answer.ended
    assert answer.error is not None
    assert says in answer.error
    assert _told(answer)["phase"] == phase
    assert _told(answer)["error"] == {"code": code, "message": answer.error}


def test_a_refused_token_fails_the_run_before_anything_is_submitted(handle: Handle) -> None:
    execution = _started(handle)
    answer = execution.complete(_error(ErrorCode.TOKEN_REFUSED, "No token for https://ml.azure.com as x."))
    assert answer.error == "No token for https://ml.azure.com as x."
    assert [action["functionName"] for action in answer.actions] == ["authorize"]
    assert (_told(answer)["phase"], _told(answer)["job"]) == ("Failed", None)


def test_a_refused_submission_fails_the_run(handle: Handle) -> None:
    execution = _started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete(_error(ErrorCode.ACCESS_DENIED, "The identity needs a role."))
    assert answer.error == "The identity needs a role."


def test_a_run_canceled_before_submission_ends_without_a_job(handle: Handle) -> None:
    execution = _started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete({"canceled": True})
    assert answer.error is not None
    assert "before a job was submitted" in answer.error
    assert (_told(answer)["phase"], _told(answer)["job"]) == ("Canceled", None)


def test_a_step_that_may_be_tried_again_is(handle: Handle) -> None:
    execution = _started(handle)
    busy = _error(ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retryable=True, retry_after=30)
    answer = execution.complete(busy)
    assert answer.waits
    assert execution.timer_at == execution.now + timedelta(seconds=30)
    assert _told(answer)["problem"] == {"code": "service_unavailable", "message": "It is busy."}
    execution.fire()
    execution = execution.next()
    assert execution.answer.activity == ("authorize", {})
    execution.complete(IDENTITY)
    assert execution.complete(busy).waits
    execution.fire()
    assert execution.next().answer.activity[0] == "invoke"


@pytest.mark.parametrize("steps", [[], [IDENTITY], [IDENTITY, JOB]])
def test_a_step_that_broke_is_a_problem_like_any_other(handle: Handle, steps: list[object]) -> None:
    execution = _started(handle)
    for step in steps:
        execution.complete(step)
    name = execution.answer.activity[0]
    answer = execution.fail(f"Activity function '{name}' failed:  ValueError: Bearer S3cr3tMarker")
    assert answer.waits
    problem = _told(answer)["problem"]
    assert problem["code"] == "internal"
    assert name in problem["message"]
    assert "S3cr3tMarker" not in json.dumps(_told(answer))
    assert execution.timer_at == execution.now + timedelta(seconds=2)
    execution.fire()
    assert execution.next().answer.activity[0] == name


def test_a_run_gives_up_on_a_step_that_breaks_again_and_again(handle: Handle) -> None:
    execution = _started(handle)
    for _ in range(4):
        execution.fail("boom")
        execution.fire()
        execution = execution.next()
    answer = execution.fail("boom")
    assert answer.error is not None
    assert "authorize broke: boom" in answer.error


def test_a_status_that_can_not_be_read_is_no_failure_of_the_job(handle: Handle) -> None:
    execution = _submitted(handle)
    for failures in range(1, 20):
        answer = execution.complete(_error(ErrorCode.SERVICE_UNAVAILABLE, retryable=True))
        assert answer.waits
        execution.fire()
        assert json.loads(execution.answer.continued_with)["failures"] == failures
        execution = execution.next()
    assert execution.complete({"status": "Completed"}).output["checks"] == 20


def test_a_cancel_on_request_goes_to_the_job_and_its_status_decides(handle: Handle) -> None:
    execution = _submitted(handle)
    assert execution.complete({"status": "Running", "cancel_requested": True}).activity == CANCEL
    answer = execution.complete({"accepted": True})
    assert answer.waits
    assert _told(answer)["phase"] == "Canceling"
    assert _told(answer)["cancellation"]["cause"] == "request"
    assert _told(answer)["cancellation"]["accepted"] is True
    execution.fire()
    execution = execution.next()
    assert execution.complete({"status": "CancelRequested", "cancel_requested": True}).waits
    execution.fire()
    lost = execution.next().complete({"status": "Completed", "cancel_requested": True})
    assert lost.output["outcome"] == "Completed"


def test_a_refused_cancel_is_asked_for_again(handle: Handle) -> None:
    execution = _submitted(handle)
    execution.complete({"status": "Running", "cancel_requested": True})
    assert execution.complete(_error(ErrorCode.ACCESS_DENIED, "No right to cancel.")).waits
    assert _told(execution.answer)["problem"]["message"] == "No right to cancel."
    execution.fire()
    execution = execution.next()
    assert execution.answer.activity == CHECK
    assert execution.complete({"status": "Running", "cancel_requested": True}).activity == CANCEL
    execution.fail("boom")
    execution.fire()
    ended = execution.next().complete({"status": "Canceled", "cancel_requested": True})
    assert ended.error is not None
    assert "Canceled on request" in ended.error


def test_at_its_timeout_a_run_cancels_its_job(handle: Handle) -> None:
    execution = _waiting(handle, request(timeout=60))
    assert execution.timer_at == after(60)
    execution.fire()
    execution = execution.next()
    assert execution.complete(RUNNING).activity == CANCEL
    assert execution.complete({"accepted": True}).waits
    execution.fire()
    ended = execution.next().complete(CANCELED)
    assert ended.error == "Job batchjob-1 did not end within the timeout of 60 s and was canceled."
    assert _told(ended)["phase"] == "TimedOut"


def test_at_its_timeout_a_run_leaves_its_job_if_asked_to(handle: Handle) -> None:
    execution = _waiting(handle, request(timeout=60, on_timeout="leave"))
    execution.fire()
    ended = execution.next().complete(RUNNING)
    assert ended.error is not None
    assert "left as it is (Running)" in ended.error
    assert _told(ended)["phase"] == "TimedOut"
    assert "cancel_job" not in json.dumps(ended.actions)


def test_the_queue_timeout_counts_until_the_job_runs(handle: Handle) -> None:
    asked = request(queue_timeout=30)
    queued = _waiting(handle, asked, {"status": "Queued"})
    assert queued.timer_at == after(32)
    queued.fire()
    execution = queued.next()
    assert execution.complete({"status": "Queued"}).activity == CANCEL
    running = _waiting(handle, asked, RUNNING)
    assert running.timer_at == after(123)


def test_the_same_history_gives_the_same_answer(handle: Handle) -> None:
    execution = _submitted(handle)
    execution.complete({"status": "Running", "cancel_requested": True})
    execution.complete({"accepted": True})
    execution.nudge(after=0.1)
    execution.fire()
    assert execution.answer.continued_with
    assert [Answer.of(handle, execution.trigger_input) for _ in range(3)] == [execution.answer] * 3


def test_an_execution_only_ever_adds_to_what_it_asked_for(handle: Handle) -> None:
    execution = _started(handle)
    earlier: list[list[Any]] = []
    for step in (IDENTITY, JOB, RUNNING):
        earlier.append(execution.answer.actions)
        execution.complete(step)
    for actions in earlier:
        assert execution.answer.actions[: len(actions)] == actions


def test_waiting_costs_few_events_however_often_it_checks(handle: Handle) -> None:
    execution = _waiting(handle)
    lengths = []
    for round_number in range(12):
        execution.fire() if round_number % 2 else execution.nudge(after=0.1)
        if not execution.answer.done:
            execution.fire()
        lengths.append(len(execution.history))
        execution = execution.next()
        execution.complete(RUNNING)
    assert lengths[0] <= 24
    assert max(lengths[1:]) <= 16
    assert len(execution.trigger_input) < 8_000


def test_lines_are_logged_once_and_not_on_replay(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="orchestrators.batch_run")
    execution = _waiting(handle)
    execution.nudge(after=0.1)
    execution.fire()
    execution = execution.next()
    execution.complete({"status": "Running", "cancel_requested": True})
    execution.complete({"accepted": True})
    execution.fire()
    execution = execution.next()
    execution.complete(_error(ErrorCode.ACCESS_DENIED))
    execution.fire()
    execution = execution.next()
    execution.complete({"status": "Canceled", "cancel_requested": True})
    told = [record.getMessage() for record in caplog.records if record.name == "orchestrators.batch_run"]
    assert [line.split()[0] for line in told] == [
        "job_submitted",
        "job_status",
        "job_cancel_requested",
        "step_failed",
        "job_status",
        "run_ended",
    ]
    assert all("run=r-1" in line and "job=batchjob-1" in line for line in told)
