"""A cancel stops the paid job, at whatever time it comes."""

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from tests.end_to_end.harness import TIME_SCALE, App
from tests.waiting import wait_for


def test_a_cancel_during_the_submission_cancels_the_job(app: App, control: ControlClient) -> None:
    """The cancel comes during the POST: the job is created, and is canceled."""
    control.hold("Preparing")
    with control.gate("invoke") as gate:
        run_id = app.start()
        control.wait_at_gate(gate)
        answer = app.cancel(run_id)
    view = app.wait_for_end(run_id)

    assert answer.status_code == 202
    assert view["phase"] == "Canceled"
    assert control.job(view["job"]["name"])["status"] == "Canceled"


def test_a_cancel_before_a_submission_creates_no_job(app: App, control: ControlClient) -> None:
    """The endpoint throttles and has created nothing: no job is created later."""
    fault = control.fault("invoke", "answer", status=429, times=None)
    run_id = app.start()
    wait_for("a refused submission", lambda: app.run(run_id)["problem"])
    app.cancel(run_id)
    view = app.wait_for_end(run_id)
    control.remove_fault(fault)

    assert (view["phase"], view["job"]) == ("Canceled", None)
    assert "before a job was submitted" in view["error"]["message"]
    assert control.counters()["invoke"]["jobs"] == 0


def test_a_cancel_while_the_job_waits_for_capacity(app: App, control: ControlClient) -> None:
    control.hold("Preparing")
    run_id = app.start(poll_interval=3_600)
    app.wait_for_phase(run_id, "Queued")
    answer = app.cancel(run_id)
    view = app.wait_for_end(run_id)

    assert answer.status_code == 202
    assert answer.json()["runUri"].endswith(f"/api/batch-runs/{run_id}")
    assert view["phase"] == "Canceled"
    assert app.durable_status(run_id)["runtimeStatus"] == "Failed"


def test_a_cancel_while_the_job_runs_does_not_wait_for_the_next_check(
    app: App, control: ControlClient
) -> None:
    control.hold("Running")
    run_id = app.start(poll_interval=3_600)
    wait_for("a wait", lambda: app.run(run_id)["next_check_at"])
    app.cancel(run_id)
    view = app.wait_for_phase(run_id, "Canceled")

    assert view["cancellation"]["cause"] == "request"
    assert control.job(view["job"]["name"])["status"] == "Canceled"


def test_two_cancels_are_one_cancel_of_the_job(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start(poll_interval=3_600)
    app.wait_for_phase(run_id, "Running")
    answers = [app.cancel(run_id).status_code for _ in range(2)]

    assert answers[0] == 202 and answers[1] in (202, 409)
    assert app.wait_for_end(run_id)["phase"] == "Canceled"
    assert len(control.requests("cancel")) == 1


def test_a_cancel_after_the_end_is_a_conflict(app: App) -> None:
    run_id = app.start()
    app.wait_for_end(run_id)
    answer = app.cancel(run_id)

    assert answer.status_code == 409
    assert "Completed" in answer.json()["detail"]
    assert app.run(run_id)["phase"] == "Completed"


def test_a_cancel_of_an_unknown_run_is_not_found(app: App) -> None:
    answer = app.cancel("no-such-run")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_cancel_that_comes_after_completion_leaves_the_run_completed(
    app: App, control: ControlClient
) -> None:
    hold = control.hold("Running")
    control.fault("cancel", "lose_race")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    app.cancel(run_id)
    app.wait_for_phase(run_id, "Canceling")
    control.release(hold)
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert app.durable_status(run_id)["runtimeStatus"] == "Completed"


def test_a_cancel_that_the_service_refuses_is_shown_and_retried(app: App, control: ControlClient) -> None:
    control.hold("Running")
    refusal = control.fault("cancel", "answer", status=403, times=None)
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    app.cancel(run_id)
    view = wait_for("the refusal", lambda: (v := app.run(run_id))["problem"] and v)

    assert view["phase"] == "Canceling"
    assert "AzureML Data Scientist" in view["problem"]["advice"]
    control.remove_fault(refusal)
    assert app.wait_for_end(run_id)["phase"] == "Canceled"


def test_a_cancel_that_the_service_refuses_for_long_ends_the_run_with_its_reason(
    app: App, control: ControlClient, clock: ClockFile
) -> None:
    hold = control.hold("Running")
    control.fault("cancel", "answer", status=403, text="No right to cancel.", body="text", times=None)
    run_id = app.start(cancel_timeout=1_200)
    app.wait_for_phase(run_id, "Running")
    app.cancel(run_id)
    wait_for("the refusal", lambda: app.run(run_id)["problem"])
    clock.skip(1_200)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("TimedOut", "timed_out")
    assert view["request"]["cancel_timeout"] == 1_200
    assert "was not canceled within the cancel_timeout of 1200 s" in view["error"]["message"]
    assert "it was still Running" in view["error"]["message"]
    assert "No right to cancel." in view["error"]["message"]
    control.release(hold)


def test_the_advice_for_a_job_that_the_workspace_does_not_know_is_about_the_workspace(
    app: App, control: ControlClient
) -> None:
    control.hold("Running")
    unknown = control.fault("cancel", "answer", status=404, times=None)
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    app.cancel(run_id)
    view = wait_for("the refusal", lambda: (v := app.run(run_id))["problem"] and v)

    assert view["problem"]["code"] == "workspace_not_found"
    assert "AZURE_ML_WORKSPACE_ID" in view["problem"]["advice"]
    assert "deployment" not in view["problem"]["message"] + view["problem"]["advice"]
    control.remove_fault(unknown)
    assert app.wait_for_end(run_id)["phase"] == "Canceled"


def test_many_cancels_after_a_lost_answer_to_the_submission_cancel_the_job(
    app: App, control: ControlClient
) -> None:
    """Each cancel nudges the run. The job that is not in the list yet is found later, and canceled."""
    control.hold("Running")
    control.fault("list", "lag", seconds=0.5, times=None)
    control.fault("invoke", "drop", when="after")
    run_id = app.start()
    wait_for("the loss", lambda: app.run(run_id)["problem"])
    for _ in range(8):
        app.cancel(run_id)
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Canceled"
    assert control.job(view["job"]["name"])["status"] == "Canceled"
    assert control.counters()["invoke"]["jobs"] == 1


def test_a_refused_cancel_is_retried_with_growing_pauses(
    app: App, control: ControlClient, clock: ClockFile
) -> None:
    hold = control.hold("Running")
    refusal = control.fault("cancel", "answer", status=403, times=None)
    run_id = app.start(poll_interval=3_600)
    wait_for("a wait", lambda: app.run(run_id)["next_check_at"])
    clock.run(0)
    clock.skip(1)
    app.cancel(run_id)
    for refusals, pause in enumerate((2, 4, 8), start=1):
        wait_for(f"a pause of {pause} s", lambda p=pause: app.pause(run_id) == p)
        assert control.get_fault(refusal)["applied"] == refusals
        clock.skip(pause + 1)  # A timer is set to one second later, so that it does not fire early.

    control.remove_fault(refusal)
    clock.run(TIME_SCALE)
    control.release(hold)
    app.nudge(run_id)
    assert app.wait_for_end(run_id)["phase"] in ("Canceled", "Completed")
