"""Ended runs are purged with their rows after the retention; what a killed process left is mended; all else stays."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from batch.run.state import Run
from ledger.runs import add_run, new_row
from local.machine import LocalMachine, MachineConfig
from tests.batch.builders import parse, settings
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import TIME_SCALE, App, jobs_of, sample_request
from tests.end_to_end.new_data import machine_with, rule, runs, uploaded, wait_until_quiet
from tests.waiting import wait_for


def make_older(machine: LocalMachine, state: Path, run_ids: list[str], year: str) -> None:
    """Moves records of the task hub and of the ledger back in time: the clock of a day cannot be turned back."""
    machine.host.stop()
    make_instances_older(machine, run_ids, year)
    ledger_file.make_older(state, run_ids, year)
    machine.host.start()


def make_instances_older(machine: LocalMachine, instance_ids: list[str], year: str) -> None:
    """The caller has stopped the host."""
    with sqlite3.connect(machine.host.store) as store:
        for instance_id in instance_ids:
            store.execute(
                "UPDATE instances SET created_at = :year || substr(created_at, 5),"
                " updated_at = :year || substr(updated_at, 5),"
                " custom_status = replace(custom_status, substr(created_at, 1, 5), :year || '-')"
                " WHERE instance_id LIKE :id",
                {"year": year, "id": instance_id},
            )
        store.execute("UPDATE entities SET last_operation_at = ? || substr(last_operation_at, 5)", (year,))
    store.close()


def clean(machine: LocalMachine) -> None:
    for timer in ("housekeeping", "purge_history"):
        App(machine.url).fire(timer)


def instances(machine: LocalMachine) -> set[str]:
    url = f"{machine.url}/runtime/webhooks/durabletask/instances/"
    return {instance["instanceId"] for instance in requests.get(url, timeout=30).json()}


def entities(machine: LocalMachine) -> set[str]:
    url = f"{machine.url}/runtime/webhooks/durabletask/entities/"
    return {
        f"{entity['entityId']['name']}/{entity['entityId']['key']}"
        for entity in requests.get(url, timeout=30).json()
    }


def test_old_ended_runs_are_purged_with_their_rows_and_others_stay(own_state: Path) -> None:
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
        make_older(machine, own_state, [*old, old_but_running], "2020")
        clean(machine)

        wait_for("the purge", lambda: {r["run_id"] for r in runs(machine)} == {recent, old_but_running})
        wait_for("the last row", lambda: not any(ledger_file.rows_of(own_state, run_id) for run_id in old))
        assert instances(machine) == {recent, old_but_running}
        assert set(ledger_file.rows_of(own_state, recent)) == {"id", "at", "job"}
        assert set(ledger_file.rows_of(own_state, old_but_running)) == {"id", "at", "open", "job"}
        machine.control.release(hold)
        assert app.wait_for_end(old_but_running)["phase"] == "Completed"
        assert "history_purged instances=3" in machine.host.log.read_text()


def test_a_run_that_was_added_and_not_started_is_started(own_state: Path) -> None:
    """Its caller was stopped between the two writes of a start, some minutes ago."""
    with LocalMachine(MachineConfig(own_state, time_scale=TIME_SCALE)) as machine:
        app = App(machine.url)
        run_id, request = parse(
            sample_request(), app=settings(BATCH_ENDPOINT_URI=machine.azure_ml.scoring_uri)
        )
        run = Run(request=request)
        row = new_row(run_id, run, datetime.now(UTC) - timedelta(minutes=5))
        # The app creates the table at its first use.
        assert app.list().json()["runs"] == []
        ledger_file.change(own_state, lambda table: add_run(table, row, run))
        [listed] = app.list().json()["runs"]
        assert (listed["run_id"], listed["phase"]) == (run_id, "Pending")
        assert instances(machine) == set()
        clean(machine)

        assert app.wait_for_end(run_id)["phase"] == "Completed"
        assert len(jobs_of(machine.control, run_id)) == 1
        assert set(ledger_file.rows_of(own_state, run_id)) == {"id", "at", "job"}
        assert f"run_started_late run={run_id}" in machine.host.log.read_text()


def test_the_end_of_a_run_that_was_terminated_is_written(own_state: Path) -> None:
    """The durable URL ends the orchestration at once, without its last step."""
    config = MachineConfig(own_state, settings={"RUN_RETENTION_DAYS": "3650"}, time_scale=TIME_SCALE)
    with LocalMachine(config) as machine:
        app = App(machine.url)
        machine.control.hold("Running")
        request = sample_request(poll_interval=3_600)
        run_id = request["run_id"]
        app.start(**request)
        wait_for("a wait", lambda: app.run(run_id)["next_check_at"])
        machine.clock.skip(1_800)
        app.durable_post(run_id, "terminate")
        app.wait_for_phase(run_id, "Terminated")
        assert app.list(phase="Terminated").json()["runs"] == []
        assert set(ledger_file.rows_of(own_state, run_id)) == {"id", "at", "open", "job"}

        make_older(machine, own_state, [run_id], "2020")
        before = app.run(run_id)
        clean(machine)
        wait_for("its end in the ledger", lambda: "open" not in ledger_file.rows_of(own_state, run_id))
        kept = ledger_file.rows_of(own_state, run_id)
        assert (kept["at"]["Phase"], kept["at"]["RuntimeStatus"], kept["id"]["Phase"]) == (
            "Terminated",
            "Terminated",
            "Terminated",
        )
        [listed] = app.list(phase="Terminated").json()["runs"]
        assert (
            listed["error"]["message"]
            == "The orchestration ended Terminated: test. Terminating stops the run, not its job."
        )
        assert listed.items() <= before.items()


def test_windows_of_new_data_are_purged_too(own_state: Path) -> None:
    with machine_with(own_state, rule(quiet_seconds=1)) as machine:
        machine.grid.publish(uploaded(machine, "old/a.csv"))
        wait_until_quiet(machine)
        [run] = runs(machine)
        assert any(key.startswith("window ") for key in ledger_file.rows(own_state))
        machine.host.stop()
        make_instances_older(machine, ["window-%"], "2020")
        machine.host.start()
        clean(machine)

        wait_for("the purge", lambda: instances(machine) == {run["run_id"]})
        assert entities(machine) == set()
        wait_for(
            "the window's row",
            lambda: not any(key.startswith("window ") for key in ledger_file.rows(own_state)),
        )
