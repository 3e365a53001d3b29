"""Azure ML's own reason for a failed job reaches whoever reads the run, and its absence changes nothing else."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from activities.limited_wait import LONGEST_WAIT
from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import App
from tests.waiting import LIMIT, wait_for

BLOBS = "azureml://datastores/workspaceblobstore/paths"
MISSING = "azureml://datastores/samples/paths/no-such-folder/"


def input_that_breaks_the_script(machine: LocalMachine) -> str:
    folder = machine.azure_ml.datastores["workspaceblobstore"] / "broken"
    folder.mkdir(exist_ok=True)
    (folder / "house.csv").write_text("id,area_m2\n1,60\n")
    return f"{BLOBS}/broken/"


def failed_run(app: App, **fields: Any) -> dict[str, Any]:
    view = app.wait_for_end(app.start(**fields))
    assert (view["phase"], view["error"]["code"]) == ("Failed", "job_failed")
    return view


def assert_shown_everywhere(app: App, view: dict[str, Any]) -> None:
    """The view, the list, the durable status and its text say the same, and none repeats the address of the job."""
    error, run_id = view["error"], view["run_id"]
    assert error["message"] == (
        f"Job {view['job']['name']} failed in step batchscoring: {error['reason']['message']}"
    )
    [listed] = app.list(prefix=run_id).json()["runs"]
    status = app.durable_status(run_id)
    assert listed["error"] == status["customStatus"]["error"] == error
    assert str(status["output"]).endswith(f"{error['message']} What to do: {error['advice']} [job_failed]")
    assert view["job"]["studio_url"]
    assert "https://" not in json.dumps(error)


def test_a_missing_input_is_named(app: App) -> None:
    view = failed_run(app, endpoint_input_uri=MISSING)
    assert "no-such-folder" in view["error"]["reason"]["message"]
    assert view["error"]["reason"] | {"message": ""} == {
        "code": "UserError",
        "message": "",
        "step": "batchscoring",
    }
    assert_shown_everywhere(app, view)


def test_an_output_that_exists_is_named(app: App, machine: LocalMachine) -> None:
    (machine.azure_ml.datastores["workspaceblobstore"] / "here.csv").write_text("here first\n")
    view = failed_run(app, endpoint_output_uri=f"{BLOBS}/here.csv")
    assert view["error"]["reason"]["message"] == (
        "The output cannot be written: the path already exists (here.csv)."
    )
    assert_shown_everywhere(app, view)


def test_the_exception_of_the_scoring_script_is_quoted(app: App, machine: LocalMachine) -> None:
    view = failed_run(app, endpoint_input_uri=input_that_breaks_the_script(machine))
    log = machine.control.job(view["job"]["name"])["log"]
    assert "Traceback" in log
    assert view["error"]["reason"]["message"] == log.strip().splitlines()[-1]
    assert_shown_everywhere(app, view)


def test_a_secret_in_the_reason_is_not_kept(app: App, machine: LocalMachine, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start(deployment="noop")
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    secret = "https://data.blob.core.windows.net/c/x.csv?sv=1&sig=S3cr3tMarker%3D"
    control.show_status(
        job, "Failed", error=f"Cannot read {secret} of all. " + "x" * 2_000, error_code="UserError"
    )
    control.release(hold)
    app.nudge(run_id)
    reason = app.wait_for_end(run_id)["error"]["reason"]["message"]

    assert reason.startswith("Cannot read https://data.blob.core.windows.net/c/x.csv?sv=1&sig=[redacted]")
    assert len(reason) == 500
    assert "S3cr3tMarker" not in json.dumps(app.durable_status(run_id, showInput="true"))
    assert "S3cr3tMarker" not in machine.host.log.read_text()


@pytest.mark.parametrize(
    "answers",
    [
        {"status": 403, "body": "text"},
        {"status": 404},
        {"status": 500},
        {"status": 200, "body": "text", "text": "<!DOCTYPE html><title>Sign in</title>"},
        {"status": 200, "body": "malformed"},
        {"status": 200, "body": "malformed", "text": "[]"},
        {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    ],
)
def test_a_history_that_refuses_changes_only_the_words(
    app: App, machine: LocalMachine, control: ControlClient, answers: dict[str, Any]
) -> None:
    for operation in ("run_details", "run_children"):
        control.fault(operation, "answer", times=None, **answers)
    view = failed_run(app, endpoint_input_uri=MISSING)
    assert view["error"]["message"] == f"Job {view['job']['name']} failed."
    assert "reason" not in view["error"]
    assert f"job_not_explained run={view['run_id']}" in machine.host.log.read_text()


def test_steps_that_cannot_be_read_leave_the_reason_of_the_job(app: App, control: ControlClient) -> None:
    control.fault("run_children", "answer", status=500, times=None)
    view = failed_run(app, endpoint_input_uri=MISSING)
    assert view["error"]["reason"]["message"].startswith("Pipeline has failed child jobs.")
    assert view["error"]["reason"]["step"] is None


def test_a_step_that_cannot_be_read_leaves_the_reason_of_the_job(app: App, control: ControlClient) -> None:
    steps = {"value": [{"runId": "gone", "status": "Failed", "displayName": "score it"}]}
    control.fault("run_children", "answer", status=200, body="malformed", text=json.dumps(steps), times=None)
    reason = failed_run(app, endpoint_input_uri=MISSING)["error"]["reason"]
    assert reason["message"].startswith("Pipeline has failed child jobs.")
    assert reason["step"] == "score it"


@pytest.mark.parametrize("operation", ["run_children", "get_job"])
def test_a_history_that_hangs_ends_the_run_ten_seconds_later(tmp_path: Path, operation: str) -> None:
    """In real time: the steered clock has nothing to do with the limit of the step."""
    with LocalMachine(MachineConfig(tmp_path / "machine")) as machine:
        app, control = App(machine.url), machine.control
        hold = control.hold("Preparing")
        run_id = app.start(endpoint_input_uri=MISSING, poll_interval=3_600)
        # With the first check over, the next read of the job is that of the check after the nudge.
        name = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)["job"]["name"]
        fault = control.fault(operation, "hold", skip=1 if operation == "get_job" else 0, times=None)
        control.release(hold)
        control.wait_for_status(name, "Failed")
        app.nudge(run_id)
        view = app.wait_for_end(run_id, limit=LONGEST_WAIT + LIMIT)
        listed = machine.host.log.read_text()
        control.remove_fault(fault, discard=True)

    assert (view["phase"], view["error"]["message"]) == ("Failed", f"Job {name} failed.")
    assert f"There was no answer within {LONGEST_WAIT} s." in listed
    ended = datetime.fromisoformat(view["ended_at"])
    assert abs((ended - datetime.fromisoformat(view["last_check_at"])).total_seconds()) < 2


def test_a_job_without_an_error_has_no_reason(app: App, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start(deployment="noop")
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    control.show_status(job, "Failed")
    control.release(hold)
    app.nudge(run_id)
    view = app.wait_for_end(run_id)
    assert view["error"]["message"] == f"Job {job} failed."


def test_runs_that_complete_or_are_canceled_ask_for_no_reason(app: App, control: ControlClient) -> None:
    app.wait_for_end(app.start())
    control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    app.cancel(run_id)
    assert app.wait_for_end(run_id)["phase"] == "Canceled"
    assert control.requests("run_details") == control.requests("run_children") == []


def test_the_reason_is_that_of_the_innermost_step(app: App, control: ControlClient) -> None:
    """A pipeline may have a pipeline as a step. Of the steps that failed, the first to end is the cause."""

    def step(name: str, ended_at: str | None = "12:00", **fields: Any) -> dict[str, Any]:
        error = {"error": {"code": "UserError", "message": f"{name} broke"}}
        ended = ended_at and f"2026-01-31T{ended_at}:00Z"
        return {"runId": name, "name": name, "status": "Failed", "error": error, "endTimeUtc": ended} | fields

    outer = [
        step("late", "12:30"),
        step("fine", "11:00", status="Completed"),
        step("nested", "12:10", runType="azureml.PipelineRun"),
        step("open", None),
    ]
    for steps in (outer, [step("inner")]):
        text = json.dumps({"value": steps})
        control.fault("run_children", "answer", status=200, body="malformed", text=text)
    view = failed_run(app, endpoint_input_uri=MISSING)
    assert view["error"]["reason"] == {"code": "UserError", "message": "inner broke", "step": "inner"}


def test_a_step_that_the_list_does_not_explain_is_read_itself(app: App, control: ControlClient) -> None:
    hold = control.hold("Preparing")
    run_id = app.start(endpoint_input_uri=MISSING)
    job = app.wait_for_phase(run_id, "Queued")["job"]["name"]
    steps = {"value": [{"runId": f"{job}-batchscoring", "status": "Failed", "displayName": "score it"}]}
    control.fault("run_children", "answer", status=200, body="malformed", text=json.dumps(steps))
    control.release(hold)
    view = app.wait_for_end(run_id)
    assert view["error"]["reason"]["step"] == "score it"
    assert "no-such-folder" in view["error"]["reason"]["message"]
