"""The log has each event of a run once, with run and job in each line, however often code is replayed."""

from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.harness import App
from tests.waiting import wait_for


def test_each_event_is_logged_once(app: App, machine: LocalMachine, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    wait_for("several checks", lambda: app.run(run_id)["checks"] >= 3)
    control.release(hold)
    job = app.wait_for_end(run_id)["job"]["name"]

    lines = [line for line in machine.host.log.read_text().splitlines() if f"run={run_id}" in line]
    events = [line.partition(": ")[2].partition(" ")[0] for line in lines]
    assert events[:2] == ["run_started", "job_submitted"]
    assert events.count("job_submitted") == events.count("run_ended") == events.count("run_started") == 1
    statuses = [line for line in lines if "job_status" in line]
    assert len(statuses) == len(set(statuses)) >= 2
    assert all(f"job={job}" in line for line in lines[1:])
