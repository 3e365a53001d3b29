"""A job that fails for a passing reason is submitted again, and no other."""

from typing import Any

import pytest

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from tests.end_to_end.harness import App, jobs_of
from tests.waiting import wait_for

PREEMPTED = {
    "error": "AzureMLCompute job failed.\nPreemptionError: Nodes of this job got pre-empted. Check if the run has"
    " failed or restarted. Reason: Received pre-emption warning signal",
    "error_code": "UserError",
}
SERVICE_ERROR = {"error": "InternalServerError", "error_code": "ServiceError"}
SCRIPT_ERROR = {"error": "ValueError: could not convert string to float: 'n/a'", "error_code": "UserError"}


def start_and_fail(app: App, control: ControlClient, said: dict[str, str], **fields: Any) -> tuple[str, str]:
    """The run, and its first job, which has failed at work."""
    hold = control.hold("Running")
    run_id = app.start(**fields)
    job = str(app.wait_for_phase(run_id, "Running")["job"]["name"])
    control.show_status(job, "Failed", **said)
    control.release(hold)
    return run_id, job


@pytest.mark.parametrize("said", [PREEMPTED, SERVICE_ERROR])
def test_a_run_whose_job_failed_for_a_passing_reason_completes_with_its_next_job(
    app: App, control: ControlClient, said: dict[str, str]
) -> None:
    run_id, first = start_and_fail(app, control, said, job_attempts=2)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["job_attempt"]) == ("Completed", 2)
    assert jobs_of(control, run_id) == [first, view["job"]["name"]]
    [earlier] = view["earlier_jobs"]
    assert (earlier["name"], earlier["reason"]["code"]) == (first, said["error_code"])
    assert earlier["reason"]["message"] in said["error"]
    output = f"azureml://datastores/workspaceblobstore/paths/{run_id}/attempt-2/predictions.csv"
    assert list(view["outputs"].values()) == [output]
    assert list(app.durable_status(run_id)["output"]["outputs"].values()) == [output]
    assert control.job(view["job"]["name"])["rows"]
    [listed] = [run for run in app.list().json()["runs"] if run["run_id"] == run_id]
    assert [job["name"] for job in listed["earlier_jobs"]] == [first]
    assert app.post({**view["request"], "run_id": run_id}).status_code == 200


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        (SCRIPT_ERROR, {"job_attempts": 5}),
        (PREEMPTED, {"job_attempts": 5, "retry_on": ["service"]}),
        (PREEMPTED, {}),
    ],
)
def test_a_run_whose_job_failed_otherwise_fails(
    app: App, control: ControlClient, said: dict[str, str], fields: dict[str, Any]
) -> None:
    run_id, first = start_and_fail(app, control, said, **fields)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["job"]["name"], view["earlier_jobs"]) == ("Failed", first, [])
    assert view["error"]["reason"]["message"] in said["error"]
    assert jobs_of(control, run_id) == [first]


def test_a_cancel_between_two_jobs_leaves_no_job(app: App, control: ControlClient, clock: ClockFile) -> None:
    """The pause takes half a minute at the real pace."""
    clock.run(1)
    run_id, first = start_and_fail(app, control, PREEMPTED, job_attempts=2)
    wait_for("the pause", lambda: app.run(run_id)["job_attempt"] == 2)
    assert app.run(run_id)["phase"] == "Submitting"
    assert app.cancel(run_id).status_code == 202
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["job"]) == ("Canceled", None)
    assert f"before another job was submitted. Job {first} had failed: Preemption" in view["error"]["message"]
    assert jobs_of(control, run_id) == [first]
