"""A run whose job failed for a passing reason goes on with another one, through the SDK's own replay."""

from typing import Any

import pytest

from batch.names import EXPLAIN_JOB, RECORD_END
from batch.run.request import RunRequest
from tests.batch.builders import ENDPOINT_URI, START, WORKSPACE_ID, request
from tests.orchestrators.execution import THIS_VERSION, Execution, Handle
from tests.orchestrators.steps import custom_status, started

PREEMPTED = {
    "code": "UserError",
    "message": "PreemptionError: Nodes of this job got pre-empted.",
    "step": "score",
}
SECOND = {"job": {"name": "batchjob-2", "status": "Preparing", "workspace_id": WORKSPACE_ID}}
TWICE = request(job_attempts=2, retry_on=("preemption",))
SECOND_OUTPUT = "azureml://datastores/lake/paths/out/attempt-2/r-1.csv"
FAILED = {"status": "Failed"}


def _failed(
    handle: Handle, asked: RunRequest = TWICE, reason: Any = PREEMPTED, version: str | None = None
) -> Execution:
    given = started(handle, asked).given
    execution = Execution(
        handle, given, START, version=version or THIS_VERSION, waits_at={EXPLAIN_JOB, RECORD_END}
    )
    execution.complete({"identity": {"client_id": "c"}})
    execution.complete(
        {"job": {"name": "batchjob-1", "status": "Preparing", "studio_url": "https://ml.azure.com/1"}}
    )
    execution.complete(FAILED)
    if execution.answer.activity[0] == EXPLAIN_JOB:
        execution.complete({"reason": reason} if reason else {"nothing_known": True})
    return execution


def test_it_waits_and_submits_another_job_with_an_output_of_its_own(handle: Handle) -> None:
    execution = _failed(handle)
    assert execution.answer.waits
    failed_at = execution.now
    status = custom_status(execution.answer)
    assert (status["phase"], status["job"], status["job_attempt"]) == ("Submitting", None, 2)
    assert status["earlier_jobs"] == ["batchjob-1"]
    assert 30 <= (execution.timer_asked_for - failed_at).total_seconds() <= 31

    execution.fire()
    execution = execution.next()
    name, invoke = execution.answer.activity
    assert (name, invoke["purpose"], invoke["job_attempt"]) == ("invoke", "submit", 2)
    assert invoke["earlier_jobs"] == ["batchjob-1"]
    assert invoke["request"]["outputs"]["output_data"]["uri"] == SECOND_OUTPUT

    execution.complete(SECOND)
    check = {"run_id": "r-1", "endpoint_uri": ENDPOINT_URI, "job_name": "batchjob-2"}
    assert execution.answer.activity == ("check_status", check)
    answer = execution.complete({"status": "Completed"})
    assert answer.output["outputs"] == {"output_data": SECOND_OUTPUT}
    assert answer.output["job"]["name"] == "batchjob-2"


def test_the_first_job_is_asked_for_as_before(handle: Handle) -> None:
    execution = started(handle, TWICE)
    execution.complete({"identity": {"client_id": "c"}})
    invoke = execution.answer.activity[1]
    assert invoke.keys() == {"run_id", "request", "purpose"}
    assert invoke["request"] == TWICE.to_json()


def test_a_nudge_in_the_pause_only_looks_for_a_cancel(handle: Handle) -> None:
    execution = _failed(handle)
    due = execution.timer_asked_for
    execution.nudge()
    if not execution.answer.done:
        execution.fire()
    execution = execution.next()
    name, invoke = execution.answer.activity
    assert (name, invoke["purpose"], invoke["job_attempt"]) == ("invoke", "notice_cancel", 2)
    execution.complete({"unchanged": True})
    assert execution.answer.waits
    assert abs((execution.timer_asked_for - due).total_seconds()) <= 1


def test_a_cancel_in_the_pause_ends_the_run_without_a_further_job(handle: Handle) -> None:
    execution = _failed(handle)
    execution.nudge()
    if not execution.answer.done:
        execution.fire()
    answer = execution.next().complete({"canceled": True})
    assert answer.code == "job_canceled"
    assert answer.error.startswith(
        "Canceled on request, before another job was submitted. Job batchjob-1 had failed"
    )


@pytest.mark.parametrize(
    ("asked", "reason", "version"),
    [
        (TWICE, None, None),
        (TWICE, {"code": "UserError", "message": "ValueError: no column age"}, None),
        (request(), PREEMPTED, None),
        (TWICE, PREEMPTED, "1.3"),
    ],
)
def test_it_ends_as_before(handle: Handle, asked: RunRequest, reason: Any, version: str | None) -> None:
    """A run of an earlier version has the end in its history straight after the check."""
    execution = _failed(handle, asked, reason, version)
    assert execution.answer.activity[0] == RECORD_END
    assert execution.answer.activity[1]["status"]["phase"] == "Failed"
    assert execution.answer.activity[1]["status"]["job"]["name"] == "batchjob-1"


def test_the_last_job_ends_the_run(handle: Handle) -> None:
    execution = _failed(handle)
    execution.fire()
    given = execution.next().given
    execution = Execution(handle, given, execution.now, waits_at={EXPLAIN_JOB})
    execution.complete(SECOND)
    execution.complete(FAILED)
    answer = execution.complete({"reason": PREEMPTED})
    assert answer.error.startswith("Job batchjob-2 failed in step score: PreemptionError")
    assert custom_status(answer)["earlier_jobs"] == ["batchjob-1"]
