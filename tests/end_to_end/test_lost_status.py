"""A run whose custom status a killed host lost, or left stale, is shown, followed and purged as it ended."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App
from tests.end_to_end.test_housekeeping import clean, entities, make_older
from tests.waiting import wait_for

STALE = json.dumps(
    {"phase": "Running", "job": None, "checks": 0, "next_check_at": "2026-01-31T12:03:00.000Z"}
)


def leave_status(machine: LocalMachine, status: str | None) -> None:
    """Sets the custom status of all runs to what a kill between the history and the instance's row leaves."""
    machine.host.stop()
    with sqlite3.connect(machine.host.store) as store:
        store.execute("UPDATE instances SET custom_status = ? WHERE name = 'batch_run'", (status,))
    store.close()
    machine.host.start()


@pytest.mark.parametrize("left", [None, STALE])
def test_a_run_is_shown_as_its_runtime_and_output_say(own_state: Path, left: str | None) -> None:
    with LocalMachine(MachineConfig(own_state, time_scale=TIME_SCALE)) as machine:
        app = App(machine.url)
        completed = app.start(deployment="noop")
        failed = app.start(endpoint_input_uri="azureml://datastores/samples/paths/nothing/")
        before = {run_id: app.wait_for_end(run_id) for run_id in (completed, failed)}
        leave_status(machine, left)

        for run_id, phase in ((completed, "Completed"), (failed, "Failed")):
            view = app.run(run_id)
            assert (view["phase"], view["next_check_at"]) == (phase, None)
            assert app.cancel(run_id).status_code == 409
        view = app.run(completed)
        for field in ("job", "checks", "started_at", "submitted_at", "ended_at", "outputs", "error"):
            assert view[field] == before[completed][field]
        phases = {run["run_id"]: run["phase"] for run in app.list().json()["runs"]}
        assert phases == {completed: "Completed", failed: "Failed"}

        for run_id, code in ((completed, 0), (failed, 1)):
            follow = [sys.executable, "-m", "client", "follow", run_id, "--url", app.url]
            assert subprocess.run(follow, cwd=ROOT, capture_output=True, timeout=60).returncode == code

        make_older(machine, own_state, [completed, failed], "2020")
        clean(machine)
        wait_for("the purge", lambda: app.list().json()["runs"] == [])
        assert entities(machine) == set()
