"""Starts by the clock on the local host: the timer, the run, its data, and what an outage leaves to make up for."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.schedules import find_decided, note_decided
from ledger.table import Table
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import TIME_SCALE, App, jobs_of
from tests.waiting import wait_for

OUTPUT = "azureml://datastores/workspaceblobstore/paths/batch-runs"
ID = "schedule-samples-%Y%m%dT%H%MZ"


def config(state: Path, cron: str, **fields: Any) -> MachineConfig:
    rule = {
        "start": "schedule",
        "name": "samples",
        "cron": cron,
        "input_uri": "azureml://datastores/samples/paths/data/",
        "poll_interval": 1,
        **fields,
    }
    return MachineConfig(state, settings={"NEW_DATA_RULES": json.dumps([rule])}, time_scale=TIME_SCALE)


def due_times(machine: LocalMachine) -> list[datetime]:
    """Of the runs, in order."""
    found = App(machine.url).list(top=200).json()["runs"]
    return sorted(datetime.strptime(run["run_id"], ID).replace(tzinfo=UTC) for run in found)


def test_the_clock_starts_a_run_for_each_due_time_once(own_state: Path) -> None:
    with LocalMachine(config(own_state, "* * * * *")) as machine:
        app = App(machine.url)
        # The host's own timer comes each minute, too: whoever is first starts the run.
        for _ in range(3):
            App(machine.url).fire("start_scheduled")
        first = wait_for("the first run", lambda: due_times(machine))[0]
        view = app.wait_for_end(first.strftime(ID))
        assert (view["phase"], view["source"]) == ("Completed", None)
        assert view["outputs"]["output_data"] == (
            f"{OUTPUT}/samples/{first:%Y-%m-%d}/{first.strftime(ID)}/predictions.csv"
        )
        for moment in due_times(machine):
            app.wait_for_end(moment.strftime(ID))
            assert len(jobs_of(machine.control, moment.strftime(ID))) == 1
        log = machine.host.log.read_text()
        assert log.count(f"run_started schedule=samples due={first:%Y-%m-%dT%H:%M:00.000Z}") == 1


def test_after_an_outage_the_last_missed_start_is_made_up_for(own_state: Path) -> None:
    now = datetime.now(UTC)
    # Half an hour ago, and so on: no due time comes while the test runs.
    minute = (now - timedelta(minutes=30)).minute
    with LocalMachine(config(own_state, f"{minute} * * * *", catch_up="last")) as machine:
        # The app creates the table at its first use.
        assert App(machine.url).list().json()["runs"] == []
        machine.host.stop()

        async def as_if_stopped_for_hours(table: Table) -> None:
            decided = await find_decided(table, "samples", now)
            await note_decided(table, decided, now - timedelta(hours=4))

        ledger_file.change(own_state, as_if_stopped_for_hours)
        machine.host.start()
        App(machine.url).fire("start_scheduled")
        [due] = wait_for("the run", lambda: due_times(machine))
        assert timedelta(minutes=29) < now - due < timedelta(minutes=31)
        assert App(machine.url).wait_for_end(due.strftime(ID))["phase"] == "Completed"
        App(machine.url).fire("start_scheduled")
        log = machine.host.log.read_text()
        skipped = [line for line in log.splitlines() if "start_skipped" in line]
        # The host's own timer may call at the same moment: both say what they skip, and start one run.
        assert 1 <= len(skipped) <= 2
        assert all("count=3 catch_up=last" in line for line in skipped)
        assert due_times(machine) == [due]


def test_a_schedule_that_was_removed_is_forgotten(own_state: Path) -> None:
    with LocalMachine(config(own_state, "0 0 1 1 *")) as machine:
        # The app creates the table at its first use.
        assert App(machine.url).list().json()["runs"] == []
        App(machine.url).fire("start_scheduled")
        wait_for("its row", lambda: "schedule samples" in ledger_file.rows(own_state))
    other = config(own_state, "0 0 1 1 *", name="other")
    with LocalMachine(other) as machine:
        App(machine.url).fire("purge_history")
        wait_for("the purge", lambda: "schedule samples" not in ledger_file.rows(own_state))
