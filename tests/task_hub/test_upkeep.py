"""Housekeeping between ledger and task hub: starts what was not started, ends what has ended."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch.run.status import RunStatus
from batch.timestamps import format_timestamp
from ledger.job_owners import own_job
from ledger.run_row import RunList
from ledger.runs import find_row, leave_start, note_phase
from task_hub.upkeep import look_after_runs
from tests.batch.builders import ENDPOINT_URI, after, custom_status, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, ended, found, listed
from tests.task_hub.task_hub import TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

LIMIT = 1_000
STATE = json.dumps(run(status="Running", checks=2).to_json())
RUNNING = {"runtimeStatus": "Running", "customStatus": custom_status(run(status="Running"))}


def lines(caplog: pytest.LogCaptureFixture, word: str) -> list[str]:
    return [line for line in (record.getMessage() for record in caplog.records) if line.startswith(word)]


async def mend(hub: TaskHub) -> None:
    with hub.served() as client:
        await look_after_runs(client, LIMIT, LIMIT)


async def test_a_run_that_was_added_and_not_started_is_started(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await added(table)
    hub = TaskHub([])
    await mend(hub)
    await mend(hub)
    assert hub.started == ["r-1"]
    assert hub.instances["r-1"]["name"] == "batch_run"
    [line] = lines(caplog, "run_started_late")
    assert "run=r-1" in line


async def test_a_run_that_was_added_a_moment_ago_is_left_to_its_caller(table: CountingTable) -> None:
    await added(table, started_at=datetime.now(UTC) - timedelta(seconds=5))
    await leave_start(table, await added(table, "r-2", datetime.now(UTC) - timedelta(seconds=5)))
    hub = TaskHub([])
    await mend(hub)
    assert (hub.started, hub.asked) == ([], [])


async def test_a_run_that_goes_on_stays_as_it_is(table: CountingTable) -> None:
    row = await added(table)
    await note_phase(table, row, "Running")
    before = await found(table)
    hub = TaskHub([instance("r-1", **RUNNING)])
    await mend(hub)
    assert await found(table) == before
    assert hub.started == []


async def test_ended_runs_are_not_looked_at(table: CountingTable) -> None:
    await ended(table, "r-1", "Completed")
    hub = TaskHub([])
    await mend(hub)
    assert (hub.asked, hub.started) == ([], [])


@pytest.mark.parametrize(
    ("fields", "phase", "runtime_status"),
    [
        ({"runtimeStatus": "Completed"}, "Completed", "Completed"),
        ({"runtimeStatus": "Failed", "output": "no luck"}, "Failed", "Failed"),
        ({"runtimeStatus": "Terminated", "output": "because"}, "Terminated", "Terminated"),
        ({**RUNNING, "runtimeStatus": "Terminated", "output": "because"}, "Terminated", "Terminated"),
    ],
)
async def test_an_end_that_was_not_written_is_written(
    table: CountingTable, fields: dict[str, Any], phase: str, runtime_status: str
) -> None:
    row = await added(table, started_at=after(-2))
    await own_job(table, row, "batchjob-1")
    await mend(TaskHub([instance("r-1", input=STATE, **fields)]))
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.phase, in_list.runtime_status) == (phase, runtime_status)
    assert in_list.ended_at == "2026-01-31T12:30:00.123Z", "when it ended, not when it started"
    status = RunStatus.model_validate_json(in_list.status)
    assert status.job
    assert (status.job["name"], status.checks, status.endpoint_uri) == ("batchjob-1", 2, ENDPOINT_URI)
    assert await listed(table, row, RunList.UNDER_WAY) is None
    assert (await found(table)).phase == phase


async def test_an_end_of_a_run_whose_input_cannot_be_read_is_written_too(table: CountingTable) -> None:
    row = await added(table)
    await mend(TaskHub([instance("r-1", input="of another version", runtimeStatus="Failed")]))
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.phase, in_list.endpoint_uri) == ("Failed", ENDPOINT_URI)


@pytest.mark.parametrize(
    ("runtime_status", "is_written"), [("Terminated", True), ("Completed", False), ("Failed", False)]
)
async def test_only_an_end_without_a_last_step_is_written_at_once(
    table: CountingTable, runtime_status: str, is_written: bool
) -> None:
    row = await added(table)
    now = format_timestamp(datetime.now(UTC))
    await mend(TaskHub([instance("r-1", input=STATE, runtimeStatus=runtime_status, lastUpdatedTime=now)]))
    assert (await listed(table, row, RunList.UNDER_WAY) is None) is is_written


async def test_a_run_that_has_reported_its_end_is_left_to_its_last_step(table: CountingTable) -> None:
    row = await added(table)
    reported = {"phase": "Failed", "ended_at": "2026-01-31T12:01:00.000Z"}
    hub = TaskHub([instance("r-1", runtimeStatus="Running", customStatus=reported)])
    await mend(hub)
    assert await listed(table, row, RunList.UNDER_WAY)


async def test_a_run_whose_orchestration_somebody_deleted_ends(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    row = await added(table)
    await note_phase(table, row, "Running")
    hub = TaskHub([])
    before = datetime.now(UTC)
    await mend(hub)
    await mend(hub)
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.phase, in_list.runtime_status) == ("Terminated", "Terminated")
    assert in_list.ended_at[:16] in (f"{moment:%Y-%m-%dT%H:%M}" for moment in (before, datetime.now(UTC)))
    assert hub.started == []
    assert len(lines(caplog, "run_without_orchestration run=r-1")) == 1


async def test_a_run_that_its_caller_starts_meanwhile_does_not_end(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await added(table)
    hub = TaskHub([])

    async def find_after_the_start(table: Any, run_id: str) -> Any:
        hub.instances["r-1"] = instance("r-1", **RUNNING)
        await note_phase(table, row, "Running")
        return await find_row(table, run_id)

    monkeypatch.setattr("task_hub.upkeep.find_row", find_after_the_start)
    await mend(hub)
    in_list = await listed(table, row, RunList.UNDER_WAY)
    assert in_list is not None
    assert in_list.phase == "Running"


async def test_a_row_whose_id_belongs_to_something_else_is_deleted(table: CountingTable) -> None:
    await added(table, "window-1")
    hub = TaskHub([instance("window-1", name="new_data_window")])
    await mend(hub)
    assert await find_row(table, "window-1") is None
    assert (hub.started, list(hub.instances)) == ([], ["window-1"])


async def test_a_run_that_cannot_be_mended_does_not_stop_the_others(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from task_hub import upkeep

    for number in range(3):
        await added(table, f"r-{number}", after(number))
    real = upkeep.start_lost_run

    async def fail_for_one(client: Any, table: Any, row: Any, *, anew: bool) -> bool:
        if row.run_id == "r-1":
            raise ValueError("it is broken")
        return await real(client, table, row, anew=anew)

    monkeypatch.setattr(upkeep, "start_lost_run", fail_for_one)
    hub = TaskHub([])
    await mend(hub)
    assert sorted(hub.started) == ["r-0", "r-2"]
    [line] = lines(caplog, "run_not_mended")
    assert "run=r-1" in line
