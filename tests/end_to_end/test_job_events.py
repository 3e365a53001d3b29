"""The event of a finished job ends its run at once. Without events, or with forged ones, polling ends it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.azure_ml import RUN_COMPLETED, RUN_STATUS_CHANGED
from local.event_grid import Disturbance, Event, Schema
from local.event_grid.event import written
from local.machine import Events, LocalMachine, MachineConfig
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import TIME_SCALE, App
from tests.waiting import LIMIT, wait_for


def machine_with(state: Path, **events: Any) -> LocalMachine:
    config = MachineConfig(state, events=Events(**{"watch": False, **events}), time_scale=TIME_SCALE)
    return LocalMachine(config)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with machine_with(tmp_path_factory.mktemp("jobs")) as machine:
        yield machine


def job_event(machine: LocalMachine, job: str, kind: str = RUN_STATUS_CHANGED, **data: Any) -> dict[str, Any]:
    event = Event(
        topic=machine.azure_ml.workspace_resource_id,
        subject=f"experiments/e/runs/{job}",
        type=kind,
        data={"runId": job, "runType": "azureml.PipelineRun", "runStatus": "Completed", **data},
    )
    return dict(written(event, Schema.EVENT_GRID))


def deliver(machine: LocalMachine, event: dict[str, Any]) -> int:
    return requests.post(
        f"{machine.url}/runtime/webhooks/eventgrid?functionName=job_events",
        json=[event],
        headers={"aeg-event-type": "Notification"},
        timeout=60,
    ).status_code


@pytest.fixture(scope="module", params=list(Schema))
def repeating(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMachine]:
    """Each event comes twice, in one of the schemas."""
    disturbance = Disturbance(copies=2)
    with machine_with(tmp_path_factory.mktemp("m"), schema=request.param, disturbance=disturbance) as machine:
        yield machine


@pytest.mark.parametrize("end", ["Completed", "Failed", "Canceled"])
def test_a_run_ends_within_seconds_of_its_job_whatever_its_interval(
    repeating: LocalMachine, end: str
) -> None:
    app, control = App(repeating.url), repeating.control
    hold = control.hold("Running")
    run_id = app.start(poll_interval=3_600)
    job = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)["job"]["name"]
    if end != "Completed":
        control.show_status(job, end)
    control.release(hold)
    view = app.wait_for_end(run_id, limit=20)

    assert view["phase"] == end


def test_without_events_the_run_ends_within_one_interval(own_state: Path) -> None:
    with machine_with(own_state, jobs=False) as machine:
        app = App(machine.url)
        view = app.wait_for_end(app.start(poll_interval=2))

    assert view["phase"] == "Completed"


def test_a_forged_completion_does_not_end_the_run(machine: LocalMachine, app: App) -> None:
    hold = machine.control.hold("Running")
    run_id = app.start(poll_interval=3_600)
    before = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)
    for kind in (RUN_STATUS_CHANGED, RUN_COMPLETED):
        assert deliver(machine, job_event(machine, before["job"]["name"], kind)) == 202
    view = wait_for(
        "a check", lambda: (v := app.run(run_id))["checks"] > before["checks"] and v["next_check_at"] and v
    )

    assert view["phase"] == "Running"
    machine.control.release(hold)
    assert app.wait_for_end(run_id, limit=20)["phase"] == "Completed"


def test_many_events_cause_few_checks(machine: LocalMachine, app: App) -> None:
    hold = machine.control.hold("Running")
    run_id = app.start(poll_interval=3_600)
    before = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)
    machine.clock.run(0)
    for _ in range(60):
        deliver(machine, job_event(machine, before["job"]["name"]))
    machine.clock.run(TIME_SCALE)
    view = wait_for("a check", lambda: (v := app.run(run_id))["checks"] > before["checks"] and v)

    assert view["checks"] - before["checks"] < 20
    machine.control.release(hold)
    app.wait_for_end(run_id, limit=20)


@pytest.mark.parametrize(
    "change",
    [
        {"runId": "somebody-elses-job"},
        {"runId": "../../instances/x"},
        {"runId": None},
        {"runId": "step-1", "runType": "azureml.StepRun"},
    ],
)
def test_events_of_unknown_jobs_are_ignored(machine: LocalMachine, change: dict[str, Any]) -> None:
    event = job_event(machine, "x")
    event["data"] = {**event["data"], **change}

    assert deliver(machine, event) == 202


def test_events_of_another_workspace_are_ignored(machine: LocalMachine, app: App) -> None:
    hold = machine.control.hold("Running")
    run_id = app.start(poll_interval=3_600)
    before = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)
    event = job_event(machine, before["job"]["name"]) | {"topic": "/subscriptions/evil/workspaces/w"}
    assert deliver(machine, event) == 202
    machine.control.release(hold)
    view = app.wait_for_end(run_id, limit=20)

    assert view["phase"] == "Completed"


def test_the_owner_of_a_job_is_known_and_an_event_of_an_ended_run_wakes_nothing(own_state: Path) -> None:
    with machine_with(own_state, jobs=False) as machine:
        app = App(machine.url)
        hold = machine.control.hold("Running")
        run_id = app.start(poll_interval=3_600)
        waiting = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)
        job = waiting["job"]["name"]
        assert ledger_file.rows_of(own_state, run_id)["job"] == {"RunId": run_id}
        assert f"job {job}" in ledger_file.rows(own_state)
        machine.control.release(hold)
        machine.control.wait_for_status(job, "Completed", limit=LIMIT)
        assert app.run(run_id)["next_check_at"] == waiting["next_check_at"]
        assert deliver(machine, job_event(machine, job)) == 202
        app.wait_for_end(run_id)

        ended = app.durable_status(run_id, showHistory="true")
        assert ledger_file.rows_of(own_state, run_id)["job"] == {"RunId": run_id}
        assert deliver(machine, job_event(machine, job)) == 202
        assert app.durable_status(run_id, showHistory="true") == ended
