"""The orchestrator through the SDK's own replay, with histories as the host would write them."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from batch.errors import ErrorCode
from batch.names import EXPLAIN_JOB, LOCATE_OUTPUTS, RECORD_END
from batch.run.request import RunRequest
from batch.run.state import Run
from batch.timestamps import format_timestamp
from tests.batch.builders import ENDPOINT_URI, START, WORKSPACE_ID, after, request, run
from tests.orchestrators.execution import (
    ANY,
    CONTINUE_AS_NEW,
    EXTERNAL_EVENT,
    SIGNAL,
    TIMER,
    Answer,
    Execution,
    Handle,
)
from tests.orchestrators.steps import (
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


def test_authorize_invoke_check_and_wait(handle: Handle) -> None:
    execution = started(handle)
    assert execution.answer.activity == ("authorize", {})
    assert custom_status(execution.answer)["phase"] == "Authorizing"

    name, given = execution.complete(IDENTITY).activity
    assert (name, given["run_id"], given["purpose"]) == ("invoke", "r-1", "submit")
    assert RunRequest.model_validate(given["request"]).fingerprint() == request().fingerprint()
    assert custom_status(execution.answer)["phase"] == "Submitting"
    assert custom_status(execution.answer)["identity"] == IDENTITY["identity"]

    assert execution.complete(JOB).activity == CHECK
    assert custom_status(execution.answer)["phase"] == "Queued"
    assert custom_status(execution.answer)["job"]["name"] == "batchjob-1"

    wait = execution.complete(RUNNING).actions[-1]
    assert wait["actionType"] == ANY
    timer, nudge = wait["compoundActions"]
    assert (timer["actionType"], timer["isCanceled"]) == (TIMER, False)
    assert (nudge["actionType"], nudge["externalEventName"]) == (EXTERNAL_EVENT, "nudge")
    status = custom_status(execution.answer)
    assert (status["phase"], status["checks"], status["job"]["status"]) == ("Running", 1, "Running")
    assert status["last_check_at"] == "2026-01-31T12:00:03.000Z"
    assert status["next_check_at"] == "2026-01-31T12:02:03.000Z"
    assert execution.timer_at == after(123)


def test_each_further_execution_begins_with_a_check_of_the_same_run(handle: Handle) -> None:
    execution = waiting(handle)
    for checks in range(2, 6):
        answer = execution.fire()
        assert answer.actions[-1]["actionType"] == CONTINUE_AS_NEW
        state = Run.from_json(json.loads(answer.continued_with))
        assert state.to_json() == json.loads(answer.continued_with)
        assert (state.started_at, state.submitted_at, state.checks) == (START, after(2), checks - 1)
        assert state.request.fingerprint() == request().fingerprint()
        execution = execution.next()
        assert execution.answer.activity == CHECK
        assert custom_status(execution.complete(RUNNING))["checks"] == checks


def test_an_input_over_plain_http_starts_the_same_run(handle: Handle) -> None:
    execution = Execution(handle, Run(request=request()).to_json(), START)
    assert execution.answer.activity == ("authorize", {})


def test_a_nudge_cancels_the_timer_and_ends_the_execution(handle: Handle) -> None:
    execution = waiting(handle)
    answer = execution.nudge(after=20)
    assert answer.continued_with is not None
    [timer] = [action for action in answer.decisions if action["actionType"] == TIMER]
    assert timer["isCanceled"]
    assert execution.next().answer.activity == CHECK


@pytest.mark.parametrize("payload", ["null", '{"status": "Completed"}', {"status": "Completed"}, 5, ""])
def test_a_nudge_leads_to_a_check_and_its_payload_is_ignored(handle: Handle, payload: object) -> None:
    execution = waiting(handle)
    state = json.loads(execution.nudge(after=20, payload=payload).continued_with)
    assert state["job"]["status"] == "Running"
    assert "Completed" not in json.dumps(state)


def test_nudges_in_quick_succession_do_not_check_more_than_once_a_second(handle: Handle) -> None:
    execution = waiting(handle)
    answer = execution.nudge(after=0.25)
    assert not answer.done
    assert answer.decisions[-2]["isCanceled"]
    assert execution.timer_at == after(4)
    assert execution.nudge(after=0.25).continued_with is None
    assert execution.fire().continued_with is not None


def test_a_nudge_during_a_check_ends_the_wait_that_follows(handle: Handle) -> None:
    execution = submitted(handle)
    assert execution.nudge(after=0.5).activity == CHECK
    answer = execution.complete(RUNNING, after=0.5)
    assert answer.actions[-2]["compoundActions"][0]["isCanceled"]
    assert execution.timer_at == execution.now + timedelta(seconds=1)
    execution.fire()
    assert execution.next().answer.activity == CHECK


def test_an_event_of_another_name_is_not_a_nudge(handle: Handle) -> None:
    assert waiting(handle).nudge(name="Nudge").waits


def test_a_completed_job_completes_the_run(handle: Handle) -> None:
    execution = submitted(handle)
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
    assert (custom_status(answer)["phase"], custom_status(answer)["next_check_at"]) == ("Completed", None)


OWN = ("@job_owner@batchjob-1", "own", "r-1")


def _signals(answer: Answer) -> list[tuple[str, str, Any]]:
    return [
        (action["instanceId"], action["operation"], json.loads(action["input"]))
        for action in answer.actions
        if action["actionType"] == SIGNAL
    ]


@pytest.mark.parametrize(
    ("version", "signals"),
    [
        ("", [OWN]),
        ("1.0", [OWN]),
        ("1.1", [OWN]),
        ("1.2", []),
        ("1.3", []),
        ("1.4", []),
        ("1.5", []),
        ("2.0", []),
    ],
)
def test_only_a_run_of_an_earlier_version_signals_the_owner_of_its_job(
    handle: Handle, version: str, signals: list[Any]
) -> None:
    """Its execution may have the signal in its history, and must then ask for it again."""
    execution = Execution(handle, json.dumps(Run(request=request()).to_json()), START, version=version)
    execution.complete(IDENTITY)
    submitted = execution.complete(JOB)
    assert submitted.activity == CHECK
    assert _signals(submitted) == _signals(execution.complete(RUNNING)) == signals
    execution.fire()
    execution = execution.next()
    assert _signals(execution.complete({"status": "Completed", "cancel_requested": False})) == []


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled"])
def test_the_last_step_of_a_run_records_its_end(handle: Handle, status: str) -> None:
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at={RECORD_END})
    answer = execution.complete({"status": status, "cancel_requested": False})

    assert not answer.over
    assert answer.activity == ("record_end", {"run_id": "r-1", "status": custom_status(answer)})
    assert (custom_status(answer)["phase"], bool(custom_status(answer)["ended_at"])) == (status, True)


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_a_run_ends_even_if_its_end_is_not_recorded(handle: Handle, status: str) -> None:
    ended = []
    for recorded in (True, False):
        execution = Execution(handle, _state_of_a_running_run(), START, waits_at={RECORD_END})
        execution.complete({"status": status, "cancel_requested": False})
        answer = execution.complete({"recorded": True}) if recorded else execution.fail("The table is gone.")
        assert answer.ended
        ended.append((answer.output, answer.error, custom_status(execution.answer)))
    assert ended[0] == ended[1]


REASON = {"code": "UserError", "message": "ValueError: no column age", "step": "score"}
EXPLAIN = (EXPLAIN_JOB, {"run_id": "r-1", "endpoint_uri": ENDPOINT_URI, "job_name": "batchjob-1"})


def test_a_run_whose_job_failed_asks_why(handle: Handle) -> None:
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at={EXPLAIN_JOB})
    answer = execution.complete({"status": "Failed"})
    assert answer.activity == EXPLAIN
    seen_at = execution.now
    answer = execution.complete({"reason": REASON}, after=9)
    assert answer.error == "Job batchjob-1 failed in step score: ValueError: no column age"
    assert custom_status(answer)["error"]["reason"] == REASON
    assert execution.recorded["status"] == custom_status(answer)
    assert custom_status(answer)["ended_at"] == format_timestamp(seen_at)


@pytest.mark.parametrize(
    "explained", [{"nothing_known": True}, error(ErrorCode.ACCESS_DENIED), {"reason": {"code": "x"}}, None]
)
def test_a_run_ends_as_it_would_have_if_nobody_can_say_why(handle: Handle, explained: object) -> None:
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at={EXPLAIN_JOB})
    execution.complete({"status": "Failed"})
    answer = execution.complete(explained) if explained else execution.fail("boom")
    assert (answer.error, answer.code) == ("Job batchjob-1 failed.", "job_failed")
    assert custom_status(answer)["phase"] == "Failed"
    assert custom_status(answer)["error"].keys() == {"code", "message", "advice"}


@pytest.mark.parametrize("check", [{"status": "Completed"}, {"status": "Canceled"}])
def test_only_a_run_whose_job_failed_asks_why(handle: Handle, check: object) -> None:
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at={RECORD_END})
    assert execution.complete(check).activity[0] == RECORD_END


@pytest.mark.parametrize("version", ["", "1.0", "1.1", "1.2", "1.3"])
def test_a_run_of_an_earlier_version_does_not_ask_why(handle: Handle, version: str) -> None:
    """Its execution may have the end in its history, straight after the check."""
    execution = Execution(
        handle, _state_of_a_running_run(), START, version=version, waits_at={EXPLAIN_JOB, RECORD_END}
    )
    assert execution.complete({"status": "Failed"}).activity[0] == RECORD_END


LINKS = {
    "output_data": {
        "storage_url": "https://lake.blob.core.windows.net/data/out/r-1.csv",
        "portal_url": "https://portal.azure.com/#x",
    }
}
LOCATE = (
    LOCATE_OUTPUTS,
    {"run_id": "r-1", "workspace_id": WORKSPACE_ID, "outputs": request().output_uris()},
)


def test_a_run_that_completed_asks_where_its_outputs_are(handle: Handle) -> None:
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at={LOCATE_OUTPUTS})
    answer = execution.complete({"status": "Completed"})
    assert answer.activity == LOCATE
    assert custom_status(answer)["phase"] == "Completed"
    seen_at = format_timestamp(execution.now)
    answer = execution.complete({"links": LINKS}, after=9)
    assert answer.output["output_links"] == LINKS
    assert answer.output["ended_at"] == custom_status(answer)["ended_at"] == seen_at
    assert execution.recorded["status"] == custom_status(answer)


@pytest.mark.parametrize(
    "located", [{"nothing_known": True}, error(ErrorCode.ACCESS_DENIED), {"links": {"a": "b"}}, {}, None]
)
def test_a_run_completes_if_nobody_can_say_where_its_outputs_are(handle: Handle, located: object) -> None:
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at={LOCATE_OUTPUTS})
    execution.complete({"status": "Completed"})
    answer = execution.fail("boom") if located is None else execution.complete(located)
    assert (answer.ended, answer.error, answer.output["outcome"]) == (True, None, "Completed")
    assert answer.output["outputs"] == request().output_uris()
    assert "output_links" not in answer.output


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_only_a_run_that_completed_asks_where_its_outputs_are(handle: Handle, status: str) -> None:
    waits_at = {LOCATE_OUTPUTS, RECORD_END}
    execution = Execution(handle, _state_of_a_running_run(), START, waits_at=waits_at)
    assert execution.complete({"status": status}).activity[0] == RECORD_END


def test_a_run_without_outputs_asks_nobody_where_they_are(handle: Handle) -> None:
    execution = submitted(handle, request(outputs={}))
    assert execution.complete({"status": "Completed"}).ended


@pytest.mark.parametrize("version", ["", "1.0", "1.1", "1.2", "1.3"])
def test_a_run_of_an_earlier_version_does_not_ask_where_its_outputs_are(handle: Handle, version: str) -> None:
    waits_at = {LOCATE_OUTPUTS, RECORD_END}
    execution = Execution(handle, _state_of_a_running_run(), START, version=version, waits_at=waits_at)
    assert execution.complete({"status": "Completed"}).activity[0] == RECORD_END


def test_a_run_keeps_what_the_names_of_its_inputs_stood_for(handle: Handle) -> None:
    resolved = {"input_data": f"{WORKSPACE_ID}/data/heart/versions/7"}
    execution = started(handle)
    execution.complete(IDENTITY)
    execution.complete({**JOB, "resolved_inputs": resolved})
    execution.complete(RUNNING)
    execution.fire()
    answer = execution.next().complete({"status": "Completed"})
    assert answer.output["resolved_inputs"] == resolved


def test_a_run_without_a_job_records_its_end_too(handle: Handle) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    answer = execution.complete(error(ErrorCode.REQUEST_REJECTED))
    assert answer.ended
    assert execution.recorded["status"] == custom_status(answer)


def _state_of_a_running_run() -> str:
    return json.dumps(run(status="Running").to_json())


def test_the_same_history_gives_the_same_answer(handle: Handle) -> None:
    execution = submitted(handle)
    execution.complete({"status": "Running", "cancel_requested": True})
    execution.complete({"accepted": True})
    execution.nudge(after=0.1)
    assert execution.answer.continued_with
    assert [Answer.of(handle, execution.trigger_input) for _ in range(3)] == [execution.answer] * 3


def test_an_execution_only_adds_actions(handle: Handle) -> None:
    execution = started(handle)
    earlier: list[list[Any]] = []
    for step in (IDENTITY, JOB, RUNNING):
        earlier.append(execution.answer.actions)
        execution.complete(step)
    for actions in earlier:
        assert execution.answer.actions[: len(actions)] == actions


def test_waiting_costs_few_events_however_often_it_checks(handle: Handle) -> None:
    execution = waiting(handle)
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
    execution = waiting(handle)
    execution.nudge(after=0.1)
    execution.fire()
    execution = execution.next()
    execution.complete({"status": "Running", "cancel_requested": True})
    execution.complete({"accepted": True})
    execution.fire()
    execution = execution.next()
    execution.complete(error(ErrorCode.ACCESS_DENIED))
    execution.fire()
    execution = execution.next()
    execution.complete({"status": "Canceled", "cancel_requested": True})
    lines = [record.getMessage() for record in caplog.records if record.name == "orchestrators.batch_run"]
    assert [line.split()[0] for line in lines] == [
        "job_submitted",
        "job_status",
        "job_cancel_requested",
        "step_failed",
        "job_status",
        "run_ended",
    ]
    assert all("run=r-1" in line and "job=batchjob-1" in line for line in lines)
