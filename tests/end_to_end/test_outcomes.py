"""How runs go on and end: every job status, every outcome, and the answer of the durable status URL."""

import json

import pytest

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.harness import App
from tests.waiting import wait_for

WAITING = ["NotStarted", "Queued", "Preparing", "Provisioning", "Starting"]
WORKING = ["Running", "Finalizing", "CancelRequested"]
UNCLEAR = ["NotResponding", "Paused", "Unknown"]


def test_a_completed_run_reports_everything(app: App) -> None:
    run_id = app.start()
    view = app.wait_for_end(run_id)
    status = app.durable_status(run_id)

    assert status["runtimeStatus"] == "Completed"
    output = status["output"]
    assert output["outcome"] == "Completed"
    assert output["job"]["name"] == view["job"]["name"]
    assert output["job"]["studio_url"].startswith("https://ml.azure.com/runs/" + view["job"]["name"])
    assert output["outputs"] == {
        "output_data": f"azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv"
    }
    assert output["started_at"] <= output["submitted_at"] <= output["ended_at"]
    assert output["checks"] == status["customStatus"]["checks"] >= 1
    assert status["customStatus"]["phase"] == "Completed"


def test_the_run_of_a_failed_job_fails_with_a_reason(app: App, machine: LocalMachine) -> None:
    run_id = app.start(endpoint_input_uri="azureml://datastores/samples/paths/no-such-folder/")
    view = app.wait_for_end(run_id)
    status = app.durable_status(run_id)

    assert view["phase"] == "Failed"
    assert view["error"]["code"] == "job_failed"
    assert status["runtimeStatus"] == "Failed"
    reason = f"{view['error']['message']} What to do: {view['error']['advice']} [job_failed]"
    assert status["output"] == f"Orchestrator function 'batch_run' failed: {reason}"
    assert view["job"]["name"] in view["error"]["message"]
    assert view["error"]["reason"]["message"] in view["error"]["message"]
    assert view["job"]["studio_url"] not in view["error"]["message"]
    assert status["customStatus"]["phase"] == "Failed"
    assert status["customStatus"]["error"] == view["error"]


def test_an_output_that_exists_fails_the_job_and_the_run(app: App, machine: LocalMachine) -> None:
    taken = machine.azure_ml.datastores["workspaceblobstore"] / "taken.csv"
    taken.write_text("here first\n")
    run_id = app.start(endpoint_output_uri="azureml://datastores/workspaceblobstore/paths/taken.csv")

    assert app.wait_for_end(run_id)["phase"] == "Failed"
    assert taken.read_text() == "here first\n"


def test_a_job_canceled_by_someone_else_ends_the_run_canceled(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start()
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    control.show_status(job, "Canceled")
    view = app.wait_for_end(run_id)
    status = app.durable_status(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Canceled", "job_canceled")
    assert "not by this run" in view["error"]["message"]
    assert status["runtimeStatus"] == "Failed"


@pytest.mark.parametrize("status", WAITING + WORKING + UNCLEAR)
def test_a_status_that_is_not_final_keeps_the_run_going_and_is_shown(
    app: App, control: ControlClient, status: str
) -> None:
    hold = control.hold("Preparing")
    run_id = app.start()
    job = app.wait_for_phase(run_id, "Queued", "Running")["job"]["name"]
    control.show_status(job, status)
    app.nudge(run_id)
    view = wait_for(f"{status} to be shown", lambda: (v := app.run(run_id))["job"]["status"] == status and v)
    assert view["runtime_status"] in ("Running", "ContinuedAsNew")
    assert view["phase"] == ("Running" if status in WORKING else "Queued")

    control.show_status(job, None)
    control.release(hold)
    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_an_unknown_status_keeps_the_run_going(app: App, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    text = json.dumps({"name": job, "properties": {"status": "Hibernating"}})
    strange = control.fault("get_job", "answer", status=200, body="malformed", text=text, times=None)
    wait_for("it to be shown", lambda: app.run(run_id)["job"]["status"] == "Hibernating")
    control.remove_fault(strange)
    control.release(hold)

    assert app.wait_for_end(run_id)["phase"] == "Completed"


@pytest.mark.parametrize(
    ("status", "phase"),
    [("completed", "Completed"), ("FAILED", "Failed"), ("canceled", "Canceled")],
)
def test_a_final_status_ends_the_run_whatever_its_case(
    app: App, control: ControlClient, status: str, phase: str
) -> None:
    control.hold("Running")
    run_id = app.start()
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    text = json.dumps({"name": job, "properties": {"status": status}})
    control.fault("get_job", "answer", status=200, body="malformed", text=text, times=None)

    assert app.wait_for_end(run_id)["phase"] == phase


def test_a_job_that_does_not_respond_for_a_while_does_not_end_the_run(
    app: App, control: ControlClient
) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    control.show_status(job, "NotResponding")
    wait_for("NotResponding", lambda: app.run(run_id)["job"]["status"] == "NotResponding")
    control.show_status(job, None)
    wait_for("Running again", lambda: app.run(run_id)["job"]["status"] == "Running")
    control.release(hold)

    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_a_timeout_cancels_the_job(app: App, control: ControlClient, clock: ClockFile) -> None:
    control.hold("Running")
    run_id = app.start(timeout=1_800)
    app.wait_for_phase(run_id, "Running")
    clock.skip(1_800)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("TimedOut", "timed_out")
    assert "was canceled" in view["error"]["message"]
    assert control.job(view["job"]["name"])["status"] == "Canceled"
    assert app.durable_status(run_id)["runtimeStatus"] == "Failed"


def test_a_timeout_can_leave_the_job(app: App, control: ControlClient, clock: ClockFile) -> None:
    hold = control.hold("Running")
    run_id = app.start(timeout=1_800, on_timeout="leave")
    app.wait_for_phase(run_id, "Running")
    clock.skip(1_800)
    view = app.wait_for_end(run_id)

    assert view["phase"] == "TimedOut"
    assert "left as it is" in view["error"]["message"]
    assert control.requests("cancel") == []
    control.release(hold)
    control.wait_for_status(view["job"]["name"], "Completed")


def test_a_submission_that_is_refused_until_a_role_takes_effect_is_tried_again(
    app: App, control: ControlClient
) -> None:
    control.fault("invoke", "answer", status=403, times=3)
    run_id = app.start()
    problem = wait_for("the refusal", lambda: app.run(run_id)["problem"])
    view = app.wait_for_end(run_id)

    assert problem["code"] == "access_denied"
    assert view["phase"] == "Completed"
    assert [call["status"] for call in control.requests("invoke")] == [403, 403, 403, 201]


def test_a_job_that_finds_no_capacity_is_given_up_after_the_queue_timeout(
    app: App, control: ControlClient, clock: ClockFile
) -> None:
    control.hold("Preparing")
    run_id = app.start(queue_timeout=1_800)
    app.wait_for_phase(run_id, "Queued")
    clock.skip(1_800)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("TimedOut", "queue_timed_out")
    assert control.job(view["job"]["name"])["status"] == "Canceled"


def test_nothing_is_submitted_once_the_timeout_has_passed(
    app: App, control: ControlClient, clock: ClockFile
) -> None:
    """The endpoint throttles until after the deadline: a job that starts then would cost money for nothing."""
    control.fault("invoke", "answer", status=429, retry_after=3_600)
    run_id = app.start(timeout=1_800, on_timeout="leave")
    wait_for("the refusal", lambda: app.run(run_id)["problem"])
    clock.skip(1_800)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"], view["job"]) == ("TimedOut", "timed_out", None)
    assert "No job was submitted" in view["error"]["message"]
    assert [call["status"] for call in control.requests("invoke")] == [429]


def test_the_queue_timeout_does_not_count_once_the_job_runs(
    app: App, control: ControlClient, clock: ClockFile
) -> None:
    hold = control.hold("Running")
    run_id = app.start(queue_timeout=1_800)
    view = app.wait_for_phase(run_id, "Running")
    clock.skip(1_800)
    wait_for("checks beyond the queue timeout", lambda: app.run(run_id)["checks"] > view["checks"] + 2)
    control.release(hold)

    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_custom_status_shows_the_run_at_all_times(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    custom = wait_for(
        "a waiting run",
        lambda: (s := app.durable_status(run_id)["customStatus"])["next_check_at"] and s,
    )

    assert custom["job"]["status"] == "Running"
    assert custom["checks"] >= 1
    assert custom["last_check_at"] < custom["next_check_at"]
    assert custom["identity"]["client_id"]
    app.cancel(run_id)
    app.wait_for_end(run_id)
