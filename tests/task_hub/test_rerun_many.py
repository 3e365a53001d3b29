"""Many runs are run again in one call: those that a filter selects, and of a run and its reruns only the latest."""

import asyncio

import pytest

from batch.api.rerun_query import RerunQuery
from batch.api.responses import RerunAnswer
from batch.errors import ErrorCode
from task_hub import rerun_many
from task_hub.rerun_many import run_many_again
from task_hub.reruns import Rerun
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.task_hub.test_reruns import ends, started

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")


async def call(hub: TaskHub, **params: str) -> tuple[dict[str, RerunAnswer], str | None]:
    """The answers by run, in order, and the continuation."""
    told: list[tuple[str, Rerun]] = []
    with hub.served() as client:
        query = RerunQuery.parse(params, b"")
        answers, continuation = await run_many_again(client, query, lambda *new: told.append(new))
    new = {answer["run_id"]: answer["rerun_id"] for answer in answers if answer["rerun_id"]}
    assert {run_id: rerun.run_id for run_id, rerun in told} == ({} if query.dry_run else new)
    return {answer["run_id"]: answer for answer in answers}, continuation


def new_runs(answers: dict[str, RerunAnswer]) -> dict[str, str | None]:
    return {run_id: answer["rerun_id"] for run_id, answer in answers.items()}


async def after_an_outage(hub: TaskHub, table: CountingTable) -> None:
    await ends(hub, table, "a", ErrorCode.TOKEN_UNAVAILABLE)
    await ends(hub, table, "b", ErrorCode.JOB_FAILED)
    await ends(hub, table, "c", ErrorCode.TOKEN_UNAVAILABLE)
    await ends(hub, table, "good", None)


async def test_all_that_failed_are_run_again(table: CountingTable) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    answers, continuation = await call(hub)
    assert new_runs(answers) == {"a": "a.2", "b": "b.2", "c": "c.2"}
    assert sorted(hub.started) == ["a.2", "b.2", "c.2"]
    assert continuation is None


async def test_an_error_selects_runs(table: CountingTable) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    answers, _ = await call(hub, error="token_unavailable")
    assert new_runs(answers) == {"a": "a.2", "c": "c.2"}


async def test_the_filters_of_the_list_select_runs(table: CountingTable) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    assert new_runs((await call(hub, prefix="b"))[0]) == {"b": "b.2"}
    assert (await call(hub, started_to="2026-01-01T00:00:00Z"))[0] == {}
    assert (await call(hub, phase="Canceled,TimedOut"))[0] == {}


async def test_a_dry_run_says_what_would_be_and_starts_nothing(table: CountingTable) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    await ends(hub, table, "d", ErrorCode.SUBMISSION_UNCERTAIN)
    writes = table.writes
    answers, _ = await call(hub, dry_run="true")
    assert new_runs(answers) == {"a": "a.2", "b": "b.2", "c": "c.2", "d": None}
    assert "may have a job" in str(answers["d"]["reason"])
    assert (hub.started, table.writes) == ([], writes)


async def test_the_same_call_again_starts_nothing_while_the_reruns_are_under_way(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    await call(hub)
    answers, _ = await call(hub)
    assert len(hub.started) == 3
    assert set(new_runs(answers).values()) == {None}
    assert str(answers["a"]["reason"]).startswith("It was run again as a.2, which is Pending.")


async def test_two_calls_at_once_start_each_rerun_once(table: CountingTable) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    answers: list[RerunAnswer] = []
    with hub.served() as client:
        query = RerunQuery.parse({}, b"")
        for page, _ in await asyncio.gather(
            *(run_many_again(client, query, lambda *new: None) for _ in range(3))
        ):
            answers += page
    assert sorted(hub.started) == ["a.2", "b.2", "c.2"]
    assert sorted(str(each["rerun_id"]) for each in answers if each["rerun_id"]) == ["a.2", "b.2", "c.2"]
    assert all(each["reason"] for each in answers if not each["rerun_id"])


@pytest.mark.parametrize("code", [None, ErrorCode.JOB_FAILED])
async def test_of_a_run_and_its_rerun_only_the_latest_is_run_again(
    table: CountingTable, code: ErrorCode | None
) -> None:
    hub = TaskHub([])
    await ends(hub, table, "a")
    await started(hub, "a")
    await ends(hub, table, "a.2", code)
    answers, _ = await call(hub)
    if code:
        assert new_runs(answers) == {"a.2": "a.3", "a": None}
    else:
        assert new_runs(answers) == {"a": None}
    # The reason may name the rerun that this call has just started.
    assert "It was run again as a." in str(answers["a"]["reason"])


async def test_a_run_that_cannot_be_repeated_does_not_stop_the_others(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = TaskHub([])
    await after_an_outage(hub, table)
    real = rerun_many.plan_rerun

    async def plan(client: object, run_id: str) -> object:
        if run_id == "b":
            raise ZeroDivisionError
        return await real(client, run_id)

    monkeypatch.setattr(rerun_many, "plan_rerun", plan)
    del hub.instances["c"]
    answers, _ = await call(hub)
    assert new_runs(answers) == {"a": "a.2", "b": None, "c": None}
    assert "its request" in str(answers["c"]["reason"])
    assert "unexpected error" in str(answers["b"]["reason"])


async def test_a_call_takes_no_more_than_its_limit_and_the_next_goes_on(table: CountingTable) -> None:
    hub = TaskHub([])
    for number in range(7):
        await ends(hub, table, f"r-{number}")
    new: dict[str, str | None] = {}
    calls = 0
    continuation: str | None = ""
    while continuation is not None:
        params = {"continuation": continuation} if continuation else {}
        answers, continuation = await call(hub, top="3", **params)
        assert len(answers) <= 3
        new |= new_runs(answers)
        calls += 1
    assert calls == 3
    assert new == {f"r-{number}": f"r-{number}.2" for number in range(7)}


async def test_a_call_that_takes_long_leaves_the_rest_to_the_next(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = TaskHub([])
    for number in range(5):
        await ends(hub, table, f"r-{number}")
    monkeypatch.setattr(rerun_many, "_AT_ONCE", 2)
    monkeypatch.setattr(rerun_many, "_STARTS_FOR", -1.0)
    new: dict[str, str | None] = {}
    continuation: str | None = ""
    for expected in (2, 2, 1):
        assert continuation is not None
        answers, continuation = await call(hub, **({"continuation": continuation} if continuation else {}))
        assert len(answers) == expected
        new |= new_runs(answers)
    assert continuation is None
    assert set(new.values()) == {f"r-{number}.2" for number in range(5)}


async def test_a_call_that_finds_little_reads_a_bounded_part_of_the_list(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = TaskHub([])
    for number in range(6):
        await ends(hub, table, f"r-{number}")
    monkeypatch.setattr(rerun_many, "_PAGE", 2)
    monkeypatch.setattr(rerun_many, "_MOST_READ", 4)
    answers, continuation = await call(hub, error="token_unavailable")
    assert answers == {}
    assert continuation
    assert (await call(hub, error="token_unavailable", continuation=continuation)) == ({}, None)
