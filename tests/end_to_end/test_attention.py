"""Runs for which nothing happens any more: the API and the log say so, and one that never began is started anew."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from batch.run.state import Run
from batch.timestamps import format_timestamp
from functions_host.durable.events import compact_json, format_time
from functions_host.durable.states import RuntimeStatus
from functions_host.durable.store.instance_tables import Instance, InstanceTables
from functions_host.telemetry.trace_context import OpenSpan
from ledger.runs import add_run, new_row
from local.machine import LocalMachine, MachineConfig
from tests.batch.builders import parse, settings
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import TIME_SCALE, App, jobs_of, sample_request
from tests.end_to_end.test_housekeeping import clean
from tests.waiting import wait_for

HOURS = 2 * 3_600


def needs(app: App, run_id: str, code: str | None) -> dict[str, Any]:
    """The run, as soon as it needs attention for this reason, or for none."""

    def look() -> dict[str, Any] | None:
        view = app.run(run_id)
        return view if (view["needs_attention"] or {}).get("code") == code else None

    return wait_for(f"attention {code} of run {run_id}", look)


def wait_for_line(machine: LocalMachine, line: str) -> None:
    wait_for(line, lambda: line in machine.host.log.read_text())


def add_pending(machine: LocalMachine, state: Path, request: dict[str, Any], age: timedelta) -> None:
    """A run whose orchestration was written, and whose start message was lost. The host is stopped meanwhile."""
    run_id, wanted = parse(request, app=settings(BATCH_ENDPOINT_URI=machine.azure_ml.scoring_uri))
    run, now = Run(request=wanted), datetime.now(UTC) - age
    row = new_row(run_id, run, now)
    ledger_file.change(state, lambda table: add_run(table, row, run))
    instance = Instance(
        instance_id=run_id,
        execution_id=str(uuid4()),
        name="batch_run",
        version="",
        status=RuntimeStatus.PENDING,
        input=compact_json(compact_json(run.to_json())),
        output=None,
        custom_status=None,
        created_at=format_time(now),
        updated_at=format_time(now),
        parent=None,
        span=OpenSpan.below(None),
    )
    machine.host.stop()
    with closing(sqlite3.connect(machine.host.store)) as store, store:
        InstanceTables(store).put(instance)
    machine.host.start()


def test_a_run_that_stays_pending_is_reported_and_after_an_hour_started_anew(own_state: Path) -> None:
    with LocalMachine(MachineConfig(own_state, time_scale=TIME_SCALE)) as machine:
        app = App(machine.url)
        # The app creates the table at its first use.
        assert app.list().json()["runs"] == []
        request = sample_request()
        run_id = request["run_id"]
        add_pending(machine, own_state, request, timedelta(minutes=30))

        view = app.run(run_id)
        assert (view["phase"], view["runtime_status"]) == ("Pending", "Pending")
        assert view["pending_since"] == view["started_at"] < format_timestamp(datetime.now(UTC))
        assert view["needs_attention"]["code"] == "run_not_started"
        [listed] = app.list().json()["runs"]
        assert listed["needs_attention"] == view["needs_attention"]
        again = app.post(request)
        assert again.status_code == 200
        assert again.json()["run"]["needs_attention"] == view["needs_attention"]
        clean(machine)
        wait_for_line(machine, f"run_not_started run={run_id} since={view['started_at']}")
        assert app.run(run_id)["phase"] == "Pending"

        ledger_file.make_older(own_state, [run_id], "2020")
        clean(machine)
        view = app.wait_for_end(run_id)
        assert (view["phase"], view["pending_since"], view["needs_attention"]) == ("Completed", None, None)
        assert len(jobs_of(machine.control, run_id)) == 1
        assert set(ledger_file.rows_of(own_state, run_id)) == {"id", "at", "job"}
        assert machine.host.log.read_text().count(f"run_started_anew run={run_id}") == 1


def test_a_run_that_is_suspended_needs_attention_until_it_is_resumed(own_state: Path) -> None:
    with LocalMachine(MachineConfig(own_state, time_scale=TIME_SCALE)) as machine:
        app = App(machine.url)
        hold = machine.control.hold("Running")
        # What happens now happens two hours ago for the app, whose clock is that of the machine.
        machine.clock.skip(-HOURS)
        request = sample_request(poll_interval=60)
        run_id = request["run_id"]
        app.start(**request)
        wait_for("a wait", lambda: app.run(run_id)["next_check_at"])
        app.durable_post(run_id, "suspend")
        wait_for("the suspension", lambda: app.run(run_id)["runtime_status"] == "Suspended")

        view = needs(app, run_id, "run_not_checked")
        assert view["needs_attention"]["message"].startswith("The run is suspended")
        ledger_file.make_older(own_state, [run_id], "2020")
        clean(machine)
        job, since = view["job"]["name"], view["needs_attention"]["since"]
        wait_for_line(machine, f"run_not_checked run={run_id} job={job} since={since}")

        machine.clock.skip(HOURS)
        app.durable_post(run_id, "resume")
        needs(app, run_id, None)
        machine.control.release(hold)
        assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_a_job_that_stays_in_cancel_requested_for_an_hour_needs_attention(own_state: Path) -> None:
    """Somebody has canceled it in Studio, and its node does not stop."""
    with LocalMachine(MachineConfig(own_state, time_scale=TIME_SCALE)) as machine:
        app = App(machine.url)
        hold = machine.control.hold("Running")
        machine.clock.skip(-HOURS)
        run_id = app.start()
        job = app.wait_for_phase(run_id, "Running")["job"]["name"]
        machine.control.show_status(job, "CancelRequested")
        wait_for("its status", lambda: app.run(run_id)["job"]["status"] == "CancelRequested")
        machine.clock.skip(HOURS)

        view = needs(app, run_id, "job_not_moving")
        assert "CancelRequested since" in view["needs_attention"]["message"]
        ledger_file.make_older(own_state, [run_id], "2020")
        clean(machine)
        since = view["needs_attention"]["since"]
        wait_for_line(machine, f"job_not_moving run={run_id} job={job} since={since}")

        machine.control.show_status(job, None)
        needs(app, run_id, None)
        machine.control.release(hold)
        assert app.wait_for_end(run_id)["phase"] == "Completed"
