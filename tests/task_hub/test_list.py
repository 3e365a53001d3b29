"""The list of runs over a task hub that lists entities, too, and whose tokens end with a space."""

from typing import Any

import azure.durable_functions as df
import pytest

from batch.api.continuation import Continuation
from batch.api.run_query import RunQuery
from task_hub import runs
from task_hub.runs import list_runs
from tests.task_hub.task_hub import TaskHub, entity, instance

RUNS = [f"run-{number:03}" for number in range(300)]
ENDED = [
    *(instance(run_id) for run_id in RUNS),
    *(entity("job_owner", f"batchjob-{run_id}") for run_id in RUNS),
    *(entity("submission", run_id, {"attempt": "a"}) for run_id in RUNS),
]


async def pages(client: df.DurableOrchestrationClient, **query: Any) -> list[list[str]]:
    found, params = [], {}
    while True:
        views, continuation = await list_runs(client, RunQuery.parse({**query, **params}))
        found.append([view["run_id"] for view in views])
        if continuation is None:
            return found
        params = {"continuation": continuation}


async def test_the_first_page_is_full_although_all_entities_come_first() -> None:
    with TaskHub(ENDED).served() as client:
        views, continuation = await list_runs(client, RunQuery(top=20))
    assert [view["run_id"] for view in views] == RUNS[:20]
    assert continuation


@pytest.mark.parametrize("top", [1, 7, 20, 100, 150, 200])
async def test_the_pages_hold_each_run_once(top: int) -> None:
    with TaskHub(ENDED).served() as client:
        found = await pages(client, top=str(top))
    assert [run_id for page in found for run_id in page] == RUNS
    assert all(len(page) == top for page in found[:-1])
    assert len(found[-1]) <= top


@pytest.mark.parametrize("hub_page", [1, 2, 3, 7, 10, 11])
@pytest.mark.parametrize("top", [1, 2, 3, 10])
async def test_each_run_is_listed_once_wherever_the_pages_of_the_task_hub_end(
    monkeypatch: pytest.MonkeyPatch, hub_page: int, top: int
) -> None:
    monkeypatch.setattr(runs, "_HUB_PAGE", hub_page)
    ids = [f"run-{number}" for number in range(8)]
    hub = TaskHub(
        [*map(instance, ids), entity("submission", "x"), instance("window-1", name="new_data_window")]
    )
    with hub.served() as client:
        found = await pages(client, top=str(top))
    assert [run_id for page in found for run_id in page] == ids
    assert max(map(len, found)) <= top


async def test_a_filter_reads_on_until_the_page_is_full() -> None:
    failed = RUNS[::50]
    changed = [instance(run_id, runtimeStatus="Failed") for run_id in failed]
    with TaskHub([*ENDED, *changed]).served() as client:
        assert await pages(client, phase="Failed", top="200") == [failed]
        assert await pages(client, phase="Completed", prefix="run-00", top="200") == [RUNS[1:10]]
        assert await pages(client, phase="Running", top="200") == [[]]


async def test_the_token_of_the_task_hub_is_sent_back_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_HUB_PAGE", 2)
    hub = TaskHub(map(instance, ["a", "b", "c", "d", "e"]))
    with hub.served() as client:
        assert await pages(client, top="2") == [["a", "b"], ["c", "d"], ["e"]]
    assert hub.list_tokens == [None, "Yw== ", "ZQ== "]


@pytest.mark.parametrize("status", [200, 400])
async def test_a_place_that_the_task_hub_does_not_know_is_an_empty_last_page(status: int) -> None:
    place = Continuation("Z29uZQ== ", "gone")
    with TaskHub(ENDED, unknown_token=status).served() as client:
        assert await pages(client, continuation=place.encode()) == [[]]


async def test_a_run_that_was_purged_between_two_pages_leaves_no_gap() -> None:
    hub = TaskHub(map(instance, RUNS[:10]))
    with hub.served() as client:
        first, continuation = await list_runs(client, RunQuery(top=3))
        hub.purge(first[-1]["run_id"])
        assert await pages(client, continuation=continuation, top="50") == [RUNS[3:10]]


async def test_a_run_that_was_started_between_two_pages_is_listed_in_its_order() -> None:
    hub = TaskHub(map(instance, ["a", "c", "e"]))
    with hub.served() as client:
        _, continuation = await list_runs(client, RunQuery(top=2))
        hub.instances.update({new: instance(new) for new in ("b", "d")})
        assert await pages(client, continuation=continuation, top="50") == [["d", "e"]]


async def test_runs_that_are_started_between_two_pages_cause_no_repetition() -> None:
    """Their entities come before all runs, and move listed runs into a later page of the task hub."""

    def with_entities(run_id: str) -> list[dict[str, Any]]:
        return [instance(run_id), entity("job_owner", f"batchjob-{run_id}"), entity("submission", run_id)]

    hub = TaskHub([one for run_id in RUNS[:170] for one in with_entities(run_id)])
    shown: list[str] = []
    place: dict[str, str] = {}
    with hub.served() as client:
        for page in range(5):
            views, continuation = await list_runs(client, RunQuery.parse({"top": "50", **place}))
            shown += [view["run_id"] for view in views]
            if continuation is None:
                break
            place = {"continuation": continuation}
            started = [one for number in range(25) for one in with_entities(f"started-{page}-{number}")]
            hub.instances.update({one["instanceId"]: one for one in started})
    assert shown[:170] == RUNS[:170]
    assert len(set(shown)) == len(shown)


async def test_one_call_skips_the_entities_of_ten_thousand_runs_and_has_a_limit() -> None:
    passed = runs._HUB_PAGE * runs._MAX_HUB_PAGES
    assert passed > 2 * 10_000 + 10_000
    hub = TaskHub([entity("submission", str(number)) for number in range(passed + 1)])
    with hub.served() as client:
        views, continuation = await list_runs(client, RunQuery())
    assert (views, len(hub.list_tokens)) == ([], runs._MAX_HUB_PAGES)
    assert continuation


@pytest.mark.parametrize(
    "status", [None, {"entityExists": True}, "text", {"phase": "Running"}, {"phase": "Pending"}]
)
async def test_no_ended_run_is_listed_as_going_on(status: object) -> None:
    ended = [
        instance(word, runtimeStatus=word, customStatus=status)
        for word in ("Canceled", "Completed", "Failed", "Terminated")
    ]
    going_on = {"phase": "Pending,Authorizing,Submitting,Queued,Running,Canceling"}
    with TaskHub(ended).served() as client:
        views, _ = await list_runs(client, RunQuery())
        assert [view["phase"] for view in views] == ["Terminated", "Completed", "Failed", "Terminated"]
        assert await pages(client, **going_on) == [[]]
