"""Purging with the real client and a fake task hub: everything that was kept for a run is deleted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch.new_data.request import upload_for
from batch.new_data.request import window_key as window_key_of
from batch.new_data.window import Claim, Touch, close, touch
from ledger.errors import LedgerUnavailable
from ledger.job_owners import own_job, owner_of
from ledger.markers import run_of_marker
from ledger.run_row import PARTITION
from ledger.runs import end_run, find_row
from ledger.table import Delete, Query
from ledger.windows import take_window_start, window_key
from task_hub.rebuild import rebuild_once, rebuild_part
from task_hub.retention import purge_ended_before
from tests.batch.builders import after, custom_status, result, run, settings
from tests.batch.new_data.events import blob, rule
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, end, ended, found
from tests.task_hub.task_hub import TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

RULE = rule(start="folder")
BEFORE = datetime(2026, 2, 1, tzinfo=UTC)
STATE = json.dumps(run(status="Running").to_json())
WITHOUT_JOB = json.dumps(run().to_json())


async def keys(table: CountingTable) -> list[str]:
    rows = await table.rows(Query(PARTITION, "", "~", 1_000))
    return [row.key.row for row in rows]


async def ended_with_job(table: CountingTable, run_id: str, job: str) -> None:
    """A run of this version whose status tells its job."""
    row = await added(table, run_id)
    await own_job(table, row, job)
    known = end("Completed")
    status = known.status.model_copy(update={"job": {"name": job, "status": "Completed", "studio_url": None}})
    await end_run(table, row, type(known)(status, "Completed"))


async def test_a_run_is_purged_with_its_rows_and_the_owner_of_its_job(table: CountingTable) -> None:
    await ended_with_job(table, "r-1", "batchjob-1")
    await ended_with_job(table, "r-2", "batchjob-2")
    hub = TaskHub([instance("r-1"), instance("r-2")])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=1) == 1
        [left] = hub.instances
        assert await find_row(table, left)
        assert await owner_of(table, left.replace("r-", "batchjob-")) == left
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert (await keys(table), hub.instances) == ([], {})


async def test_no_entity_is_looked_for_where_there_was_none(table: CountingTable) -> None:
    """An entity of that name belongs to another app, or was left otherwise: the run of this version had none."""
    await ended_with_job(table, "r-1", "batchjob-1")
    others = [entity("submission", "r-1", {"attempt": "a"}), entity("job_owner", "batchjob-1", "r-1")]
    hub = TaskHub([instance("r-1"), *others])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert list(hub.instances) == [one["instanceId"] for one in others]


async def test_a_run_of_an_earlier_version_is_purged_with_its_entities(table: CountingTable) -> None:
    state = json.dumps(run(status="Completed").to_json())
    other = entity("job_owner", "batchjob-2", "r-2")
    kept_for_it = [entity("submission", "r-1", {"attempt": "a"}), entity("job_owner", "batchjob-1", "r-1")]
    hub = TaskHub([instance("r-1", input=state), *kept_for_it, other])
    with hub.served() as client:
        assert (await rebuild_part(client, None)).added == 1
        assert (await found(table)).earlier
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert list(hub.instances) == [other["instanceId"]]
    assert await keys(table) == []


async def test_a_run_whose_orchestration_somebody_purged_is_purged(table: CountingTable) -> None:
    await ended_with_job(table, "r-1", "batchjob-1")
    with TaskHub([]).served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
        assert await purge_ended_before(client, BEFORE, limit=100) == 0
    assert await keys(table) == []


async def test_a_run_whose_end_the_ledger_does_not_know_is_purged_with_its_rows(table: CountingTable) -> None:
    await own_job(table, await added(table), "batchjob-1")
    hub = TaskHub([instance("r-1", input=STATE)])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert (await keys(table), hub.instances) == ([], {})


async def test_runs_under_way_and_runs_that_ended_later_stay(table: CountingTable) -> None:
    await added(table, "under-way")
    await end_run(table, await added(table, "later"), end("Completed", BEFORE))
    await end_run(table, await added(table, "before"), end("Completed", BEFORE - timedelta(milliseconds=1)))
    later = instance("later", lastUpdatedTime="2026-02-01T00:00:00Z")
    hub = TaskHub([instance("under-way", runtimeStatus="Running"), later, instance("before")])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert sorted(hub.instances) == ["later", "under-way"]
    assert await find_row(table, "before") is None
    assert [row for row in await keys(table) if row.startswith("id ")] == ["id later", "id under-way"]


async def test_a_row_that_cannot_be_purged_does_not_block_the_others(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("task_hub.retention._PAGE", 2)
    ids = [f"r-{number}" for number in range(7)]
    for number, run_id in enumerate(ids):
        await ended(table, run_id, "Completed", after(number))
    hub = TaskHub(map(instance, ids), stuck="r-6")
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 6
    assert list(hub.instances) == ["r-6"]
    assert await find_row(table, "r-6")
    assert {line for line in caplog.messages if line.startswith("history_not_purged")}
    hub.stuck = None
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert (await keys(table), hub.instances) == ([], {})


async def test_a_window_is_purged_with_its_row(table: CountingTable) -> None:
    await take_window_start(table, "window-1", after(0), timedelta(seconds=20))
    hub = TaskHub([instance("window-1", name="new_data_window", input="of another version")])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert await table.read(window_key("window-1")) is None
    assert hub.instances == {}


async def test_a_marker_that_has_not_been_written_for_as_long_is_forgotten(table: CountingTable) -> None:
    for marker, now in (("old", BEFORE - timedelta(seconds=1)), ("new", BEFORE)):
        await run_of_marker(table, marker, blob("in/_SUCCESS"), "r-1", now)
    with TaskHub([]).served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 0
    assert await keys(table) == ["marker new"]


async def test_a_window_whose_row_cannot_be_deleted_is_purged_in_the_next_hour(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*changes: object) -> None:
        raise LedgerUnavailable("it is busy")

    await take_window_start(table, "window-1", after(0), timedelta(seconds=20))
    hub = TaskHub([instance("window-1", name="new_data_window", input="of another version")])
    with hub.served() as client:
        with monkeypatch.context() as busy:
            busy.setattr(table.table, "write", fail)
            assert await purge_ended_before(client, BEFORE, limit=100) == 0
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert (await keys(table), hub.instances) == ([], {})


async def test_an_instance_that_cannot_be_purged_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = TaskHub(map(instance, ("r-1", "r-2", "r-3")), stuck="r-1")
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 2
    assert list(hub.instances) == ["r-1"]
    [line] = [record.getMessage() for record in caplog.records if record.name == "task_hub.retention"]
    assert line.startswith("history_not_purged instance=r-1 reason=")


@pytest.mark.parametrize(
    ("runtime_status", "status", "output", "state"),
    [
        ("Completed", custom_status(run(status="Completed")), None, WITHOUT_JOB),
        ("Completed", None, result(run(status="Completed"), after(60)), WITHOUT_JOB),
        ("Completed", custom_status(run()), result(run(status="Completed"), after(60)), "of another version"),
        ("Completed", None, None, STATE),
        ("Failed", custom_status(run(status="Failed")), "no luck", WITHOUT_JOB),
        ("Failed", None, "no luck", STATE),
        ("Failed", custom_status(run()), "no luck", STATE),
        ("Terminated", None, "because", STATE),
        ("Terminated", {"phase": "Running", "job": None}, "because", STATE),
    ],
)
async def test_the_owner_of_the_job_is_purged_with_its_run_wherever_the_job_is_recorded(
    runtime_status: str, status: object, output: object, state: str
) -> None:
    fields = {"runtimeStatus": runtime_status, "customStatus": status, "output": output, "input": state}
    other = entity("job_owner", "batchjob-2", "r-2")
    kept_for_it = [entity("submission", "r-1", {"attempt": "a"}), entity("job_owner", "batchjob-1")]
    hub = TaskHub([instance("r-1", **fields), *kept_for_it, other])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert list(hub.instances) == [other["instanceId"]]


async def test_a_run_without_a_job_is_purged_too() -> None:
    hub = TaskHub([instance("r-1", runtimeStatus="Failed", input=WITHOUT_JOB), entity("submission", "r-1")])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert not hub.instances


async def test_a_run_that_goes_on_stays() -> None:
    hub = TaskHub([instance("r-1", runtimeStatus="Running"), entity("submission", "r-1", {"attempt": "a"})])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 0
    assert len(hub.instances) == 2


async def test_a_row_of_the_list_that_stands_alone_is_deleted_and_nothing_else(table: CountingTable) -> None:
    """Somebody has deleted the row of a run by hand. Its id may have another run by now."""
    first, second = await ended(table, "r-1", "Completed"), await ended(table, "r-2", "Completed")
    for row in (first, second):
        await table.write(Delete(row.key))
    await added(table, "r-2", after(60))
    goes_on = instance("r-2", runtimeStatus="Running")
    hub = TaskHub([goes_on])
    table.writes = 0
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 2
    assert hub.instances == {"r-2": goes_on}
    assert table.writes == 2
    assert [key.partition(" ")[0] for key in await keys(table)] == ["at", "id", "open"]


def folder_of_a_window(**changed: object) -> list[dict[str, Any]]:
    """The closed window of a folder, and the orchestrations of its two blobs, of which the second was late."""
    first, late = blob("in/a.csv"), blob("in/late.csv")
    window = touch(None, Touch(toucher="window-1", now=after(0), source=first.source()))
    claim = Claim(claimant="window-1", now=after(60), longest_wait_seconds=3_600, remembers=True)
    key = window_key_of(RULE, first)
    orchestrations = [
        instance(
            f"window-{number}",
            name="new_data_window",
            input=json.dumps(upload_for(RULE, each, f"folder-{number}", settings()).to_json()),
        )
        for number, each in enumerate((first, late), 1)
    ]
    return [{**entity("folder_window", key, close(window, claim).to_json()), **changed}, *orchestrations]


async def test_a_closed_window_is_purged_with_the_orchestrations_of_its_folder() -> None:
    hub = TaskHub(folder_of_a_window())
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 2
    assert hub.instances == {}


async def test_a_closed_window_stays_while_blobs_of_its_folder_come() -> None:
    """Its last orchestration has touched it, ends after that, and is purged later."""
    window, first, late = folder_of_a_window(lastUpdatedTime="2026-02-01T00:00:00Z")
    late["lastUpdatedTime"] = "2026-02-01T00:00:01Z"
    hub = TaskHub([window, first, late])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
        assert list(hub.instances) == [window["instanceId"], "window-2"]
        assert await purge_ended_before(client, BEFORE + timedelta(days=1), limit=100) == 1
    assert hub.instances == {}


async def test_closed_windows_hide_no_run_from_a_rebuild(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task hub lists entities first."""
    monkeypatch.setattr("task_hub.rebuild._PAGE", "2")
    [window, *_] = folder_of_a_window()
    many = [{**window, "instanceId": f"@folder_window@{number}"} for number in range(5)]
    hub = TaskHub([*many, instance("r-1", input=STATE)])
    with hub.served() as client:
        assert await rebuild_once(client, parts=10) == 1
    assert await find_row(table, "r-1")
