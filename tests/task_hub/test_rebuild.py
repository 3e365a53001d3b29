"""The ledger is made from the task hub: once by housekeeping, and again whenever somebody deletes it."""

import json
from typing import Any

import pytest

from batch.errors import RunError
from ledger.listing import runs_page
from ledger.run_row import PARTITION, RunList
from ledger.runs import delete_run, find_row, note_phase
from ledger.table import Delete, Key
from task_hub import rebuild
from task_hub.rebuild import Rebuilt, rebuild_once, rebuild_part
from task_hub.run_list import RunQuery, list_runs
from task_hub.submissions import row_of
from tests.batch.builders import ENDPOINT_URI, START, after, custom_status, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import RUN, added, found, listed, of_folder
from tests.task_hub.task_hub import TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

STATE = json.dumps(RUN.to_json())
RUNNING = {"runtimeStatus": "Running", "customStatus": custom_status(run(status="Running", running_at=START))}


def hub_of(*run_ids: str, **fields: Any) -> TaskHub:
    return TaskHub(instance(run_id, **{"input": STATE, **fields}) for run_id in run_ids)


async def ids(client: Any) -> list[str]:
    views, _ = await list_runs(client, RunQuery(top=200))
    return sorted(view["run_id"] for view in views)


async def test_runs_in_flight_and_ended_runs_are_added(table: CountingTable) -> None:
    hub = hub_of("ended")
    source = of_folder("incoming", "2026/")
    tagged = source.request.model_copy(update={"tags": {"team": "fraud"}})
    state = json.dumps(source.model_copy(update={"request": tagged}).to_json())
    hub.instances |= {
        "r-1": instance("r-1", input=state, **RUNNING),
        "@submission@r-1": entity("submission", "r-1", {"attempt": "a", "marker": "a", "claims": 1}),
        "@job_owner@j": entity("job_owner", "j", "r-1"),
        "window-1": instance("window-1", name="new_data_window"),
    }
    with hub.served() as client:
        assert await rebuild_part(client, None) == Rebuilt(instances=5, added=2, continuation=None)
        assert await rebuild_part(client, None) == Rebuilt(instances=5, added=0, continuation=None)
        assert await ids(client) == ["ended", "r-1"]
    row, other = await found(table, "r-1"), await found(table, "ended")
    assert (row.submission.attempt, row.earlier, row.phase) == ("a", True, "Running")
    in_list, in_list_ended = await listed(table, row), await listed(table, other)
    assert in_list and in_list_ended
    assert (in_list.source, in_list.endpoint_uri) == ("incoming/2026/", ENDPOINT_URI)
    assert await listed(table, row, RunList.UNDER_WAY)
    with_tag = await runs_page(table, RunQuery(tag=("team", "fraud")), "", 9)
    assert [found.run_id for found in with_tag] == ["r-1"]
    assert (in_list_ended.phase, in_list_ended.ended_at) == ("Completed", "2026-01-31T12:30:00.123Z")
    assert await listed(table, other, RunList.UNDER_WAY) is None


async def test_a_run_that_is_in_the_ledger_is_not_changed(table: CountingTable) -> None:
    row = await added(table, started_at=after(-3))
    await note_phase(table, row, "Running")
    before = await found(table)
    with hub_of("r-1", **RUNNING).served() as client:
        assert (await rebuild_part(client, None)).added == 0
    assert await found(table) == before


async def test_a_rerun_that_was_added_before_the_run_that_it_repeats_is_told_of(table: CountingTable) -> None:
    """A rerun in flight adds its rows at its next step."""
    again = json.dumps(RUN.model_copy(update={"rerun_of": "r-1", "first_run": "r-1"}).to_json())
    hub = hub_of("r-1")
    hub.instances["r-1.2"] = instance("r-1.2", **{**RUNNING, "input": again})
    with hub.served() as client:
        await row_of(client, "r-1.2")
        assert (await rebuild_part(client, None)).added == 1
        views, _ = await list_runs(client, RunQuery())
    assert {view["run_id"]: view["reruns"] for view in views} == {"r-1": ["r-1.2"], "r-1.2": []}
    assert (await found(table)).reruns == ("r-1.2",)


async def test_what_is_no_run_any_more_is_passed_over(table: CountingTable) -> None:
    hub = hub_of("r-1")
    hub.instances["broken"] = instance("broken", input="of another version")
    with hub.served() as client:
        assert (await rebuild_part(client, None)).added == 1
    assert await find_row(table, "broken") is None


async def test_each_run_is_added_once_wherever_the_parts_end(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_PAGE", "2")
    hub = hub_of("a", "b", "c", "d", "e")
    continuation, added_of_parts = None, []
    with hub.served() as client:
        while True:
            part = await rebuild_part(client, continuation)
            added_of_parts.append(part.added)
            continuation = part.continuation
            if continuation is None:
                break
        assert await ids(client) == ["a", "b", "c", "d", "e"]
    assert added_of_parts == [2, 2, 1]
    assert hub.list_tokens == [None, "Yw== ", "ZQ== "], "a token goes back as it came, with its space"


async def test_housekeeping_goes_on_where_it_stopped_and_comes_to_an_end(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_PAGE", "2")
    hub = hub_of("a", "b", "c", "d", "e")
    with hub.served() as client:
        assert [await rebuild_once(client, 1) for _ in range(5)] == [2, 2, 1, 0, 0]
        assert hub.list_tokens == [None, "Yw== ", "ZQ== "]
        hub.instances["f"] = instance("f", input=STATE)
        assert await rebuild_once(client, 10) == 0


async def test_housekeeping_begins_again_if_the_ledger_was_deleted(table: CountingTable) -> None:
    with hub_of("a", "b").served() as client:
        assert await rebuild_once(client, 10) == 2
        for run_id in ("a", "b"):
            await delete_run(table, await found(table, run_id))
        await table.write(Delete(Key(PARTITION, "rebuilt")))
        assert await rebuild_once(client, 10) == 2


async def test_a_task_hub_that_was_deleted_ends_the_rebuild(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_PAGE", "2")
    hub = hub_of("a", "b", "c")
    with hub.served() as client:
        await rebuild_once(client, 1)
        hub.instances.clear()
        for _ in range(2):
            assert await rebuild_once(client, 1) == 0
    assert hub.list_tokens == [None, "Yw== "]


async def test_a_failure_in_the_middle_repeats_the_part_and_adds_nothing_twice(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_PAGE", "2")
    hub = hub_of("a", "b", "c")
    with hub.served() as client:
        await rebuild_once(client, 1)
        hub.failing.add("GET")
        with pytest.raises(RunError, match="task hub is not available"):
            await rebuild_once(client, 1)
        hub.failing.clear()
        assert await rebuild_once(client, 10) == 1
        assert await ids(client) == ["a", "b", "c"]
