"""Ended runs, and the entities for them, are purged after the retention; everything else stays."""

import sqlite3
from pathlib import Path

import requests

from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App
from tests.end_to_end.new_data import machine_with, rule, runs, uploaded, wait_until_quiet
from tests.waiting import wait_for


def make_older(machine: LocalMachine, instance_ids: list[str], year: str) -> None:
    """Moves the records back in time, because the host's clock cannot be turned back."""
    machine.host.stop()
    with sqlite3.connect(machine.host.store) as store:
        for instance_id in instance_ids:
            store.execute(
                "UPDATE instances SET created_at = ? || substr(created_at, 5),"
                " updated_at = ? || substr(updated_at, 5) WHERE instance_id LIKE ?",
                (year, year, instance_id),
            )
        store.execute("UPDATE entities SET last_operation_at = ? || substr(last_operation_at, 5)", (year,))
    store.close()
    machine.host.start()


def clean(machine: LocalMachine) -> None:
    answer = requests.post(f"{machine.url}/admin/functions/housekeeping", json={"input": ""}, timeout=30)
    assert answer.status_code == 202, answer.text


def entities(machine: LocalMachine) -> set[str]:
    url = f"{machine.url}/runtime/webhooks/durabletask/entities/"
    return {
        f"{entity['entityId']['name']}/{entity['entityId']['key']}"
        for entity in requests.get(url, timeout=30).json()
    }


def test_old_ended_runs_are_purged_and_others_stay(own_state: Path) -> None:
    config = MachineConfig(own_state, settings={"RUN_RETENTION_DAYS": "30"}, time_scale=TIME_SCALE)
    with LocalMachine(config) as machine:
        app = App(machine.url)
        old = [app.start(deployment="noop") for _ in range(3)]
        recent = app.start(deployment="noop")
        for run_id in (*old, recent):
            app.wait_for_end(run_id)
        hold = machine.control.hold("Running")
        old_but_running = app.start()
        app.wait_for_phase(old_but_running, "Running")
        make_older(machine, [*old, old_but_running], "2020")
        clean(machine)

        wait_for("the purge", lambda: {r["run_id"] for r in runs(machine)} == {recent, old_but_running})
        left = entities(machine)
        assert not any(f"submission/{run_id}" in left for run_id in old)
        assert f"submission/{recent}" in left
        machine.control.release(hold)
        assert app.wait_for_end(old_but_running)["phase"] == "Completed"
        assert "history_purged instances=3" in machine.host.log.read_text()


def test_windows_of_new_data_are_purged_too(own_state: Path) -> None:
    with machine_with(own_state, rule(quiet_seconds=1)) as machine:
        machine.grid.publish(uploaded(machine, "old/a.csv"))
        wait_until_quiet(machine)
        make_older(machine, ["window-%", "folder-%"], "2020")
        clean(machine)

        url = f"{machine.url}/runtime/webhooks/durabletask/instances/"
        wait_for("the purge", lambda: requests.get(url, timeout=30).json() == [])
        assert entities(machine) == set()
