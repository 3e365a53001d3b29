"""Each call of housekeeping looks at a slice of the runs under way; together the calls look at all."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.places import Watched, keep_place
from ledger.runs import note_phase
from task_hub.upkeep import look_after_runs
from tests.batch.builders import after, custom_status, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, found
from tests.task_hub.task_hub import TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")


@pytest.fixture(autouse=True)
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("task_hub.upkeep._PAGE", 2)


async def runs(table: CountingTable, count: int, phase: str = "Running") -> TaskHub:
    """Runs that go on. The one with the highest number is the newest."""
    for number in range(count):
        row = await added(table, f"r-{number}", after(number))
        await note_phase(table, row, phase)
    status = custom_status(run(status="Running", last_check_at=after(0)), next_check_at=after(10**9))
    fields = {"runtimeStatus": "Running", "customStatus": status}
    return TaskHub(instance(f"r-{number}", **fields) for number in range(count))


async def looked_at(hub: TaskHub, pending: int, under_way: int) -> list[str]:
    """The runs that one call asks the task hub for, in the order of their ids."""
    hub.asked.clear()
    with hub.served() as client:
        await look_after_runs(client, pending, under_way)
    return sorted(hub.asked)


async def test_the_next_call_goes_on_where_the_last_one_stopped(table: CountingTable) -> None:
    hub = await runs(table, 7)
    assert await looked_at(hub, 0, 3) == ["r-4", "r-5", "r-6"]
    assert await looked_at(hub, 0, 3) == ["r-1", "r-2", "r-3"]
    assert await looked_at(hub, 0, 3) == ["r-0", "r-5", "r-6"], "the end of the list, and its beginning"
    assert await looked_at(hub, 0, 3) == ["r-2", "r-3", "r-4"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7, 100])
async def test_no_run_is_left_out_and_none_comes_twice_in_a_call(table: CountingTable, limit: int) -> None:
    hub = await runs(table, 6)
    seen = set()
    for _ in range(-(-6 // limit)):
        ids = await looked_at(hub, 0, limit)
        assert len(ids) == len(set(ids)) == min(limit, 6)
        seen.update(ids)
    assert seen == set(hub.instances)


async def test_a_place_behind_the_last_run_is_the_beginning(table: CountingTable) -> None:
    hub = await runs(table, 2)
    await keep_place(table, Watched.UNDER_WAY, "~")
    assert await looked_at(hub, 0, 10) == ["r-0", "r-1"]


async def test_a_call_that_is_stopped_has_kept_its_place(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await runs(table, 6)
    kept = []

    async def keep_until_stopped(table: CountingTable, which: Watched, place: str) -> None:
        await keep_place(table, which, place)
        kept.append(place)
        if len(kept) == 2:
            raise InterruptedError

    monkeypatch.setattr("task_hub.upkeep.keep_place", keep_until_stopped)
    with pytest.raises(InterruptedError):
        await looked_at(hub, 0, 6)
    monkeypatch.undo()
    monkeypatch.setattr("task_hub.upkeep._PAGE", 2)
    monkeypatch.setattr("task_hub.ledger._table", lambda hub_name: table)
    assert await looked_at(hub, 0, 2) == ["r-0", "r-1"]


async def test_runs_that_have_not_started_are_looked_at_in_each_call(table: CountingTable) -> None:
    """Among many others they would wait for their turn."""
    hub = await runs(table, 8)
    for run_id in ("r-0", "r-1", "r-2"):
        await note_phase(table, await found(table, run_id), "Pending")
    assert await looked_at(hub, 2, 2) == ["r-1", "r-2", "r-6", "r-7"]
    assert await looked_at(hub, 2, 2) == ["r-0", "r-2", "r-4", "r-5"], (
        "there are more than a slice of them, too"
    )


async def test_a_run_that_has_not_started_is_looked_at_once_in_a_call(table: CountingTable) -> None:
    hub = await runs(table, 3, "Pending")
    assert await looked_at(hub, 10, 10) == ["r-0", "r-1", "r-2"]


async def test_a_run_that_was_added_a_few_minutes_ago_is_not_yet_among_them(table: CountingTable) -> None:
    hub = TaskHub([])
    await added(table, "r-new", datetime.now(UTC) - timedelta(minutes=9))
    assert await looked_at(hub, 10, 0) == []
    await added(table, "r-old", datetime.now(UTC) - timedelta(minutes=11))
    assert set(await looked_at(hub, 10, 0)) == {"r-old"}
