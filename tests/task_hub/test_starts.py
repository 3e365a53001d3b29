"""A start: the row first, the orchestration next; exactly one of any number of callers starts it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch.errors import RunError
from batch.run.phases import has_ended
from batch.run.state import Run
from ledger.errors import LedgerUnavailable
from ledger.run_row import RunList, RunRow, to_milliseconds
from ledger.runs import add_run, find_row, leave_start, new_row, run_to_start, take_start
from ledger.submissions import change_submission
from ledger.table import Key, Row
from task_hub import known_runs
from task_hub.instances import STARTS_FOR, STARTS_WITHIN
from task_hub.known_runs import find_run
from task_hub.runs import NotARun, RunInHub, decoded_input
from task_hub.starts import start_lost_run, start_run
from tests.batch.builders import START, custom_status, request, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import RUN, added, ended, found, listed, of_folder
from tests.task_hub.task_hub import TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

OTHER = Run(request=request(timeout=5))
RUNNING = custom_status(run(status="Running", running_at=START))


def in_flight(state: Run = RUN, **fields: Any) -> dict[str, Any]:
    """The instance of a run that a version without a ledger started."""
    state_in_input = json.dumps(state.to_json())
    return instance(
        "r-1", **{"runtimeStatus": "Running", "customStatus": RUNNING, "input": state_in_input, **fields}
    )


async def long_ago(table: CountingTable, run: Run = RUN, *, left: bool = False) -> None:
    """A row whose caller was stopped before it started the orchestration."""
    row = new_row("r-1", run, datetime.now(UTC) - 2 * STARTS_WITHIN)
    await add_run(table, row, run)
    if left:
        await leave_start(table, row)


async def test_a_start_adds_the_rows_and_starts_the_orchestration_once(table: CountingTable) -> None:
    hub = TaskHub([])
    wanted = of_folder("incoming", "2026/")
    with hub.served() as client:
        assert await start_run(client, "r-1", wanted) is None
    assert hub.started == ["r-1"]
    assert Run.from_json(decoded_input(hub.instances["r-1"]["input"])) == wanted
    row = await found(table)
    assert row.request == wanted.request.fingerprint()
    in_list = await listed(table, row, RunList.UNDER_WAY)
    assert in_list is not None
    assert in_list.source == "incoming/2026/"


async def test_the_same_request_again_is_given_the_run(table: CountingTable) -> None:
    hub = TaskHub([])
    with hub.served() as client:
        await start_run(client, "r-1", RUN)
        existing = await start_run(client, "r-1", RUN)
    assert existing is not None
    assert existing.was_asked_for(RUN.request)
    assert (existing.view["run_id"], existing.view["phase"]) == ("r-1", "Pending")
    assert "request" in existing.view
    assert hub.started == ["r-1"]


async def test_another_request_is_given_the_run_of_the_first(table: CountingTable) -> None:
    hub = TaskHub([])
    with hub.served() as client:
        await start_run(client, "r-1", RUN)
        existing = await start_run(client, "r-1", OTHER)
    assert existing is not None
    assert not existing.was_asked_for(OTHER.request)
    assert existing.was_asked_for(RUN.request)
    assert hub.started == ["r-1"]


async def test_of_many_callers_at_once_one_starts_the_run(table: CountingTable) -> None:
    hub = TaskHub([])
    runs = [RUN if number % 2 else OTHER for number in range(12)]
    with hub.served() as client:
        existing = await asyncio.gather(*(start_run(client, "r-1", each) for each in runs))
    [winner] = [each for each, other in zip(runs, existing, strict=True) if other is None]
    assert hub.started == ["r-1"]
    for each, other in zip(runs, existing, strict=True):
        if other is not None:
            assert other.was_asked_for(each.request) is (each is winner)


async def test_a_run_that_has_ended_is_not_started_again(table: CountingTable) -> None:
    await ended(table, "r-1", "Completed")
    for hub in (TaskHub([instance("r-1", input=json.dumps(RUN.to_json()))]), TaskHub([])):
        with hub.served() as client:
            existing = await start_run(client, "r-1", RUN)
        assert existing is not None
        assert (existing.ended, existing.view["phase"]) == (True, "Completed")
        assert hub.started == []


async def test_a_start_that_the_task_hub_refuses_is_made_by_the_next_same_request(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    hub.failing.add("POST")
    with hub.served() as client:
        with pytest.raises(RunError, match="it did not start r-1"):
            await start_run(client, "r-1", RUN)
        assert hub.started == []
        hub.failing.clear()
        existing = await start_run(client, "r-1", RUN)
    assert existing is not None
    assert existing.was_asked_for(RUN.request)
    assert hub.started == ["r-1"]
    assert hub.instances["r-1"]["name"] == "batch_run"


async def test_a_start_while_the_task_hub_does_not_answer_is_an_error_and_adds_nothing(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    hub.failing.add("GET")
    with hub.served() as client:
        with pytest.raises(RunError, match="task hub is not available"):
            await start_run(client, "r-1", RUN)
        hub.failing.clear()
        assert await find_row(table, "r-1") is None
        assert await start_run(client, "r-1", RUN) is None
    assert hub.started == ["r-1"]


async def test_another_request_starts_what_was_asked_for_first(table: CountingTable) -> None:
    hub = TaskHub([])
    await long_ago(table)
    with hub.served() as client:
        existing = await start_run(client, "r-1", OTHER)
    assert existing is not None
    assert not existing.was_asked_for(OTHER.request)
    assert Run.from_json(decoded_input(hub.instances["r-1"]["input"])) == RUN


async def test_a_caller_that_may_still_start_the_run_is_not_overtaken(table: CountingTable) -> None:
    hub = TaskHub([])
    await add_run(table, new_row("r-1", RUN, datetime.now(UTC)), RUN)
    with hub.served() as client:
        existing = await start_run(client, "r-1", RUN)
        shown = await find_run(client, "r-1")
    assert hub.started == []
    for each in (existing, shown):
        assert each is not None
        assert (each.view["phase"], each.view["runtime_status"], each.ended) == ("Pending", "Pending", False)
        assert each.view["request"]["timeout"] == RUN.request.timeout


async def test_many_callers_at_once_start_a_lost_run_once(table: CountingTable) -> None:
    hub = TaskHub([])
    await long_ago(table)
    with hub.served() as client:
        await asyncio.gather(*(start_run(client, "r-1", RUN) for _ in range(8)))
    assert hub.started == ["r-1"]


async def test_a_caller_whose_ledger_is_slow_leaves_a_lost_run_to_others(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may start the run for some seconds from the moment that its row says. These passed while it wrote."""
    hub = TaskHub([])
    await long_ago(table)

    async def write_slowly(table: Any, row: RunRow, now: datetime) -> RunRow | None:
        return await take_start(table, row, now - STARTS_FOR - timedelta(seconds=1))

    monkeypatch.setattr("task_hub.starts.take_start", write_slowly)
    with hub.served() as client:
        assert not await start_lost_run(client, table, await found(table))
    assert hub.started == []


async def test_a_caller_says_when_it_takes_a_lost_run_and_not_when_it_found_it(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await long_ago(table)
    read_at: list[datetime] = []

    async def read_slowly(table: Any, row: RunRow) -> Run | None:
        run = await run_to_start(table, row)
        await asyncio.sleep(0.01)
        read_at.append(datetime.now(UTC))
        return run

    monkeypatch.setattr("task_hub.starts.run_to_start", read_slowly)
    with TaskHub([]).served() as client:
        assert await start_lost_run(client, table, await found(table))
    assert (await found(table)).starting_at >= to_milliseconds(read_at[0])


@pytest.mark.parametrize("left", [True, False])
async def test_a_lost_run_is_started(table: CountingTable, left: bool) -> None:
    hub = TaskHub([])
    await long_ago(table, left=left)
    with hub.served() as client:
        assert await start_lost_run(client, table, await found(table))
        assert not await start_lost_run(client, table, await found(table)), "it was taken a moment ago"
    assert hub.started == ["r-1"]
    assert (await found(table)).started_at < datetime.now(UTC) - STARTS_WITHIN, "the start of the run stays"


async def test_a_lost_run_that_cannot_be_started_is_left_to_others(table: CountingTable) -> None:
    hub = TaskHub([])
    await long_ago(table)
    hub.failing.add("POST")
    with hub.served() as client, pytest.raises(RunError, match="it did not start r-1"):
        await start_lost_run(client, table, await found(table))
    assert (await found(table)).start == ""


@pytest.mark.parametrize("kind", ["new_data_window", "another"])
@pytest.mark.parametrize("runtime_status", ["Running", "Completed"])
async def test_an_id_that_belongs_to_something_else_starts_nothing_and_leaves_nothing(
    table: CountingTable, kind: str, runtime_status: str
) -> None:
    hub = TaskHub([instance("r-1", name=kind, runtimeStatus=runtime_status, input="{}")])
    with hub.served() as client:
        for _ in range(2):
            with pytest.raises(NotARun):
                await start_run(client, "r-1", RUN)
    assert hub.started == []
    assert await find_row(table, "r-1") is None


@pytest.mark.parametrize("state", [RUN, OTHER], ids=["same", "other"])
async def test_a_run_of_an_earlier_version_is_adopted(table: CountingTable, state: Run) -> None:
    claimed = {"marker": "a", "attempt": "a", "claimed_at": "2026-01-31T12:00:00Z", "claims": 1}
    hub = TaskHub([in_flight(state), entity("submission", "r-1", claimed)])
    with hub.served() as client:
        existing = await start_run(client, "r-1", RUN)
    assert existing is not None
    assert existing.was_asked_for(RUN.request) is (state is RUN)
    assert (existing.view["phase"], hub.started) == ("Running", [])
    row = await found(table)
    assert (row.earlier, row.request, row.phase) == (True, state.request.fingerprint(), "Running")
    assert row.started_at == START
    assert row.submission.attempt == "a"
    for which in RunList:
        assert await listed(table, row, which)


async def test_an_ended_run_of_an_earlier_version_is_adopted_as_it_ended(table: CountingTable) -> None:
    hub = TaskHub([in_flight(runtimeStatus="Failed", customStatus=None, output="no luck")])
    with hub.served() as client:
        existing = await start_run(client, "r-1", RUN)
    assert existing is not None
    assert has_ended(existing.view["phase"], existing.view["runtime_status"])
    row = await found(table)
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.phase, in_list.ended_at) == ("Failed", "2026-01-31T12:30:00.123Z")
    assert await listed(table, row, RunList.UNDER_WAY) is None
    assert hub.started == []


async def test_a_run_that_only_the_task_hub_knows_is_found(table: CountingTable) -> None:
    hub = TaskHub([in_flight()])
    with hub.served() as client:
        shown = await find_run(client, "r-1")
    assert shown is not None
    assert (shown.view["phase"], shown.was_asked_for(RUN.request)) == ("Running", True)
    assert await find_row(table, "r-1") is None


async def test_a_run_whose_orchestration_is_gone_is_shown_by_the_ledger(table: CountingTable) -> None:
    await ended(table, "r-1", "Failed")
    await ended(table, "r-2", "Completed")
    with TaskHub([]).served() as client:
        shown = [await find_run(client, run_id) for run_id in ("r-1", "r-2", "r-3")]
    assert [each.view["phase"] if each else None for each in shown] == ["Failed", "Completed", None]


async def test_a_run_starts_when_it_is_added(table: CountingTable) -> None:
    await added(table, started_at=START - timedelta(seconds=2))
    with TaskHub([in_flight()]).served() as client:
        shown = await find_run(client, "r-1")
    assert shown is not None
    assert shown.view["started_at"] == "2026-01-31T11:59:58.000Z"


async def test_a_run_is_shown_while_the_ledger_does_not_answer(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(key: object) -> None:
        raise LedgerUnavailable("it is busy")

    monkeypatch.setattr(table.table, "read", fail)
    with TaskHub([in_flight()]).served() as client:
        shown = await find_run(client, "r-1")
        assert shown is not None
        assert shown.view["phase"] == "Running"
        with pytest.raises(RunError, match="ledger of runs is not available"):
            await find_run(client, "r-2")


async def test_a_run_is_not_missing_while_the_task_hub_does_not_answer(table: CountingTable) -> None:
    await ended(table, "r-1", "Completed")
    hub = TaskHub([])
    hub.failing.add("GET")
    with hub.served() as client, pytest.raises(RunError, match="task hub is not available"):
        await find_run(client, "r-1")


async def test_a_run_that_begins_while_the_ledger_is_slow_is_not_shown_as_ended(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that has ended cannot be canceled: a wrong end would lose a cancel."""
    row = await added(table)
    hub = TaskHub([])
    answered = asyncio.Event()
    ask, read = known_runs.find_in_hub, table.table.read

    async def ask_before_the_start(client: Any, run_id: str) -> RunInHub | None:
        in_hub = await ask(client, run_id)
        answered.set()
        return in_hub

    async def read_after_the_start(key: Key) -> Row | None:
        await answered.wait()
        if not hub.instances:
            hub.instances["r-1"] = in_flight()
            await change_submission(table, row, lambda free: free.claim("a", "2026-01-31T12:00:00Z", None))
        return await read(key)

    monkeypatch.setattr(known_runs, "find_in_hub", ask_before_the_start)
    monkeypatch.setattr(table.table, "read", read_after_the_start)
    with hub.served() as client:
        shown = await find_run(client, "r-1")
    assert shown is not None
    assert (shown.view["phase"], shown.ended) == ("Running", False)
