"""The list of runs: from the ledger, and for runs under way from their orchestrations."""

from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from batch.api.run_query import RunQuery
from batch.errors import RunError
from batch.run.outcome import end_of
from batch.run.phases import PHASES
from batch.run.status import RunStatus
from ledger.errors import LedgerUnavailable
from ledger.run_row import RunList
from ledger.runs import RunEnd, delete_run, end_run, note_phase
from task_hub.run_list import list_runs
from tests.batch.builders import ENDPOINT_URI, START, after, custom_status, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import RUN, added, end, ended, found, listed
from tests.task_hub.task_hub import TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

RUNS = [f"run-{number:03}" for number in range(60)]
NEWEST_FIRST = RUNS[::-1]
OF_EARLIER_VERSIONS = [entity("submission", str(number), {"attempt": "a"}) for number in range(300)]
RUNNING = {"runtimeStatus": "Running", "customStatus": custom_status(run(status="Running", running_at=START))}
FAILED = run(status="Failed")
REPORTED = custom_status(FAILED, end=end_of(FAILED, after(60)), ended_at=after(60))


async def pages(client: df.DurableOrchestrationClient, **query: Any) -> list[list[str]]:
    found, params = [], {}
    while True:
        views, continuation = await list_runs(client, RunQuery.parse({**query, **params}))
        found.append([view["run_id"] for view in views])
        if continuation is None:
            return found
        params = {"continuation": continuation}


async def all_ended(table: CountingTable) -> None:
    for number, run_id in enumerate(RUNS):
        await ended(table, run_id, "Failed" if number % 10 == 0 else "Completed", after(number))
    forget(table)


async def under_way(table: CountingTable, run_id: str, number: int = 0, phase: str = "Running") -> None:
    await note_phase(table, await added(table, run_id, after(number)), phase)


def forget(table: CountingTable) -> None:
    table.queries = table.reads = table.writes = 0


async def test_a_page_of_ended_runs_is_one_read_whatever_the_task_hub_holds(table: CountingTable) -> None:
    await all_ended(table)
    hub = TaskHub([*OF_EARLIER_VERSIONS, *map(instance, RUNS)])
    with hub.served() as client:
        views, continuation = await list_runs(client, RunQuery(top=20))
    assert [view["run_id"] for view in views] == NEWEST_FIRST[:20]
    assert continuation
    assert (table.queries, table.reads, table.writes) == (1, 0, 0)
    assert (hub.asked, hub.list_tokens) == ([], [])


async def test_a_page_reads_each_run_under_way_once(table: CountingTable) -> None:
    await all_ended(table)
    new = [f"new-{number}" for number in range(12)]
    for number, run_id in enumerate(new):
        await under_way(table, run_id, 1_000 + number)
    forget(table)
    hub = TaskHub([instance(run_id, **RUNNING) for run_id in new])
    with hub.served() as client:
        views, _ = await list_runs(client, RunQuery(top=20))
    assert [view["run_id"] for view in views] == [*new[::-1], *NEWEST_FIRST[:8]]
    assert {view["phase"] for view in views[:12]} == {"Running"}
    assert (table.queries, table.reads, table.writes) == (1, 0, 0)
    assert sorted(hub.asked) == sorted(new)


@pytest.mark.parametrize("top", [1, 7, 20, 59, 60, 61, 200])
async def test_the_pages_hold_each_run_once(table: CountingTable, top: int) -> None:
    await all_ended(table)
    with TaskHub(OF_EARLIER_VERSIONS).served() as client:
        found = await pages(client, top=str(top))
    assert [run_id for page in found for run_id in page] == NEWEST_FIRST
    assert all(len(page) == top for page in found[:-1])
    assert 0 < len(found[-1]) <= top


async def test_a_filter_fills_the_page_in_one_read(table: CountingTable) -> None:
    await all_ended(table)
    hub = TaskHub(map(instance, RUNS))
    with hub.served() as client:
        assert await pages(client, phase="Failed", top="200") == [NEWEST_FIRST[9::10]]
        assert await pages(client, phase="Completed", prefix="run-00", top="200") == [RUNS[9:0:-1]]
        assert await pages(client, phase="Running", top="200") == [[]]
        assert await pages(client, started_from="2026-01-31T12:00:58Z") == [NEWEST_FIRST[:2]]
        assert await pages(client, endpoint=ENDPOINT_URI.replace("scores", "others")) == [[]]
    assert (table.queries, table.reads, hub.asked) == (5, 0, [])


async def test_the_tags_of_a_run_are_listed_and_select_it(table: CountingTable) -> None:
    """Those of a run under way, one that has ended, and one whose orchestration is gone."""
    tagged = RUN.model_copy(update={"request": RUN.request.model_copy(update={"tags": {"team": "fraud"}})})
    for number, run_id in enumerate(("running", "gone", "plain")):
        await added(table, run_id, after(number), RUN if run_id == "plain" else tagged)
    await ended(table, "ended", "Completed", after(9), tagged)
    hub = TaskHub([instance("running", **RUNNING), instance("plain", **RUNNING)])
    with hub.served() as client:
        selected, _ = await list_runs(client, RunQuery(tag=("team", "fraud")))
        everything, _ = await list_runs(client, RunQuery())
    assert [(view["run_id"], view["tags"]) for view in selected] == [
        (run_id, {"team": "fraud"}) for run_id in ("ended", "gone", "running")
    ]
    assert [view["run_id"] for view in everything if "tags" not in view] == ["plain"]


@pytest.mark.parametrize("phase", ["Running", "Completed"])
async def test_a_phase_that_alone_is_left_out_is_not_listed(table: CountingTable, phase: str) -> None:
    """The store takes too few comparisons for the others."""
    for number in range(3):
        await ended(table, f"completed-{number}", "Completed", after(number))
        await under_way(table, f"running-{number}", number)
    hub = TaskHub([instance(f"running-{number}", **RUNNING) for number in range(3)])
    others = ",".join(each for each in PHASES if each != phase)
    with hub.served() as client:
        found = await pages(client, phase=others, top="2")
    shown = [run_id for page in found for run_id in page]
    assert {run_id.partition("-")[0] for run_id in shown} == {"completed", "running"} - {phase.lower()}
    assert len(shown) == 3


async def test_a_run_that_was_purged_between_two_pages_leaves_no_gap(table: CountingTable) -> None:
    await all_ended(table)
    with TaskHub([]).served() as client:
        first, continuation = await list_runs(client, RunQuery(top=3))
        await delete_run(table, await found(table, first[-1]["run_id"]))
        assert await pages(client, continuation=continuation, top="200") == [NEWEST_FIRST[3:]]


async def test_runs_that_start_and_end_between_two_pages_cause_no_repetition_and_no_gap(
    table: CountingTable,
) -> None:
    for number, run_id in enumerate(RUNS):
        await under_way(table, run_id, number)
    hub = TaskHub([instance(run_id, **RUNNING) for run_id in RUNS])
    shown: list[str] = []
    place: dict[str, str] = {}
    with hub.served() as client:
        for page in range(100):
            views, continuation = await list_runs(client, RunQuery.parse({"top": "7", **place}))
            shown += [view["run_id"] for view in views]
            if continuation is None:
                break
            place = {"continuation": continuation}
            await under_way(table, f"started-{page}", 1_000 + page)
            for run_id in (RUNS[page], NEWEST_FIRST[page]):
                await end_run(table, await found(table, run_id), end("Completed"))
    assert shown == NEWEST_FIRST


@pytest.mark.parametrize("top", [1, 2, 5, 10])
async def test_a_page_takes_no_more_reads_than_it_may_where_the_ledger_is_behind(
    table: CountingTable, top: int
) -> None:
    """The ledger says Running of runs that have reported their end, which the query does not select."""
    hub = TaskHub([])
    expected = []
    for number in range(30):
        run_id = f"r-{number:02}"
        if number % 3:
            await under_way(table, run_id, number)
            behind = number % 3 == 1
            status = {**RUNNING, "customStatus": REPORTED} if behind else RUNNING
            hub.instances[run_id] = instance(run_id, **status)
            expected += [] if behind else [run_id]
        else:
            await ended(table, run_id, "Canceled", after(number))
            expected.append(run_id)
    shown: list[str] = []
    params: dict[str, str] = {}
    with hub.served() as client:
        while True:
            forget(table)
            hub.asked.clear()
            query = RunQuery.parse({"phase": "Running,Canceled", "top": str(top), **params})
            views, continuation = await list_runs(client, query)
            assert table.queries + table.reads + len(hub.asked) <= 1 + top
            assert len(views) <= top
            shown += [view["run_id"] for view in views]
            if continuation is None:
                break
            params = {"continuation": continuation}
    assert shown == expected[::-1]


async def test_a_run_under_way_is_shown_by_its_orchestration(table: CountingTable) -> None:
    await added(table, started_at=START - timedelta(seconds=2))
    with TaskHub([instance("r-1", **RUNNING)]).served() as client:
        [view], _ = await list_runs(client, RunQuery())
    assert (view["phase"], view["runtime_status"], view["job"]["name"]) == (
        "Running",
        "Running",
        "batchjob-1",
    )
    assert view["started_at"] == "2026-01-31T11:59:58.000Z", "it starts when it is added"
    assert "request" not in view


async def test_a_run_whose_orchestration_is_still_to_be_started_is_listed_as_pending(
    table: CountingTable,
) -> None:
    await added(table)
    with TaskHub([]).served() as client:
        [view], _ = await list_runs(client, RunQuery(phases=frozenset({"Pending"})))
    assert (view["run_id"], view["phase"], view["runtime_status"]) == ("r-1", "Pending", "Pending")
    assert (view["endpoint_uri"], view["started_at"]) == (ENDPOINT_URI, "2026-01-31T12:00:00.000Z")


async def test_a_run_that_has_reported_no_endpoint_yet_is_listed_with_it(table: CountingTable) -> None:
    await added(table)
    with TaskHub([instance("r-1", runtimeStatus="Pending")]).served() as client:
        [view], _ = await list_runs(client, RunQuery())
    assert (view["phase"], view["endpoint_uri"]) == ("Pending", ENDPOINT_URI)


async def test_a_run_whose_orchestration_somebody_deleted_says_so(table: CountingTable) -> None:
    await under_way(table, "r-1")
    with TaskHub([]).served() as client:
        [view], _ = await list_runs(client, RunQuery())
    assert (view["phase"], view["runtime_status"]) == ("Terminated", "Terminated")
    assert "holds no orchestration of this run any more" in view["error"]["message"]
    assert view["error"]["advice"]


async def test_an_id_that_something_else_has_does_not_break_the_list(table: CountingTable) -> None:
    await added(table, "window-1", after(1))
    await added(table, "r-1")
    hub = TaskHub([instance("window-1", name="new_data_window"), instance("r-1", **RUNNING)])
    with hub.served() as client:
        views, _ = await list_runs(client, RunQuery())
    assert [(view["run_id"], view["phase"]) for view in views] == [
        ("window-1", "Pending"),
        ("r-1", "Running"),
    ]


@pytest.mark.parametrize(
    "status", [None, {"entityExists": True}, "text", {"phase": "Running"}, {"phase": "Pending"}]
)
async def test_no_ended_run_is_listed_as_going_on(table: CountingTable, status: object) -> None:
    """Their last step did not write their ends. The list reads them, and writes them for the next time."""
    words = ("Canceled", "Completed", "Failed", "Terminated")
    for number, word in enumerate(words):
        await under_way(table, word, -number)
    hub = TaskHub([instance(word, runtimeStatus=word, customStatus=status) for word in words])
    going_on = {"phase": "Pending,Authorizing,Submitting,Queued,Running,Canceling"}
    with hub.served() as client:
        assert await pages(client, **going_on) == [[]]
        hub.asked.clear()
        views, _ = await list_runs(client, RunQuery())
        assert [view["phase"] for view in views] == ["Terminated", "Completed", "Failed", "Terminated"]
        assert {view["ended_at"] for view in views} == {"2026-01-31T12:30:00.123Z"}
    assert hub.asked == []


async def test_an_end_that_cannot_be_written_does_not_break_the_list(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*changes: object) -> None:
        raise LedgerUnavailable("it is busy", retry_after=60)

    await under_way(table, "r-1")
    monkeypatch.setattr(table.table, "write", fail)
    with TaskHub([instance("r-1")]).served() as client:
        [view], _ = await list_runs(client, RunQuery())
    assert (view["run_id"], view["phase"]) == ("r-1", "Completed")


async def test_a_run_that_has_just_ended_is_left_to_its_own_last_step(table: CountingTable) -> None:
    await under_way(table, "r-1")
    hub = TaskHub([instance("r-1", lastUpdatedTime="2999-01-01T00:00:00Z")])
    with hub.served() as client:
        [view], _ = await list_runs(client, RunQuery())
    assert view["phase"] == "Completed"
    assert await listed(table, await found(table), RunList.UNDER_WAY)


async def test_an_ended_run_is_listed_as_it_ended(table: CountingTable) -> None:
    row = await added(table, started_at=START - timedelta(seconds=2))
    await end_run(table, row, RunEnd(RunStatus.read(REPORTED), "Failed"))
    with TaskHub([]).served() as client:
        [view], _ = await list_runs(client, RunQuery())
    assert (view["phase"], view["runtime_status"], view["error"]["code"]) == (
        "Failed",
        "Failed",
        "job_failed",
    )
    assert (view["started_at"], view["ended_at"]) == ("2026-01-31T11:59:58.000Z", "2026-01-31T12:01:00.000Z")
    assert view["error"]["advice"]


async def test_a_task_hub_that_fails_is_an_error(table: CountingTable) -> None:
    await under_way(table, "r-1")
    hub = TaskHub([])
    hub.failing.add("GET")
    with hub.served() as client, pytest.raises(RunError, match="task hub is not available"):
        await list_runs(client, RunQuery())


async def test_a_ledger_that_fails_is_an_error(table: CountingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(query: object) -> None:
        raise LedgerUnavailable("it is busy")

    monkeypatch.setattr(table.table, "rows", fail)
    with TaskHub([]).served() as client, pytest.raises(RunError, match="ledger of runs is not available"):
        await list_runs(client, RunQuery())
