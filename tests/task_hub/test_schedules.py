"""Starts by the clock: each due time starts its run once, whatever stops, fails or comes twice."""

import asyncio
import logging
from datetime import datetime, timedelta

import pytest

from batch.new_data.schedule import ScheduleRule
from batch.run.state import Run
from ledger.errors import LedgerUnavailable
from ledger.schedules import find_decided, note_decided
from task_hub import schedules
from task_hub.runs import decoded_input
from task_hub.schedules import start_due
from tests.batch.builders import settings
from tests.batch.new_data.schedules import NIGHTLY, schedule, utc
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

DUE = utc("2026-01-31 02:30")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
RUN_ID = "schedule-nightly-20260131T0230Z"


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "app_settings", settings)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """What was counted: the id of the rule, the due time, the run."""
    counts: list[tuple[str, str, str]] = []

    async def count(client: object, rule_id: str, what: str, run_id: str) -> None:
        counts.append((rule_id, what, run_id))

    monkeypatch.setattr(schedules, "count_taken", count)
    return counts


async def calls(hub: TaskHub, moments: list[datetime], *rules: ScheduleRule) -> list[str]:
    """The ids that calls at these moments start."""
    before = len(hub.started)
    with hub.served() as client:
        for moment in moments:
            await start_due(client, rules or (schedule(),), moment)
    return hub.started[before:]


async def decided_until(table: CountingTable, moment: datetime, name: str = "nightly") -> None:
    """Calls came until then, and then none any more."""
    await note_decided(table, await find_decided(table, name, moment), moment)


async def noted(table: CountingTable, name: str = "nightly") -> datetime:
    return (await find_decided(table, name, utc("2000-01-01 00:00"))).until


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    return [message for message in caplog.messages if message.startswith(f"{event} ")]


async def test_a_due_time_starts_one_run(
    counted: list[tuple[str, str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    hub = TaskHub([])
    with caplog.at_level(logging.INFO):
        moments = [DUE + minutes * MINUTE + SECOND / 5 for minutes in range(-3, 4)]
        assert await calls(hub, moments) == [RUN_ID]
    assert counted == [("schedule-nightly", "2026-01-31T02:30:00.000Z", RUN_ID)]
    assert logged(caplog, "run_started") == [
        f"run_started schedule=nightly due=2026-01-31T02:30:00.000Z run={RUN_ID}"
    ]
    run = Run.from_json(decoded_input(hub.instances[RUN_ID]["input"]))
    assert run.request.inputs["input_data"].uri == "azureml://datastores/lake/paths/sales/2026-01-31/"
    assert run.source is None


async def test_a_new_schedule_makes_up_for_nothing(table: CountingTable) -> None:
    assert await calls(TaskHub([]), [DUE + 5 * MINUTE], schedule(catch_up="all")) == []
    assert await noted(table) == DUE + 5 * MINUTE + SECOND


async def test_a_new_schedule_that_is_just_due_starts() -> None:
    assert await calls(TaskHub([]), [DUE + SECOND]) == [RUN_ID]


async def test_two_calls_at_once_start_one_run(counted: list[tuple[str, str, str]]) -> None:
    hub = TaskHub([])
    with hub.served() as client:
        await asyncio.gather(*(start_due(client, [schedule()], DUE) for _ in range(8)))
    assert hub.started == [RUN_ID]
    assert [run_id for _, _, run_id in counted] == [RUN_ID]


async def test_a_call_that_is_stopped_after_its_start_is_made_up_for(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, counted: list[tuple[str, str, str]]
) -> None:
    """Nothing is noted, so the next call looks at the same due time, and finds its run."""
    hub = TaskHub([])
    await decided_until(table, DUE - MINUTE)

    async def stopped(*arguments: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(schedules, "note_decided", stopped)
        with pytest.raises(asyncio.CancelledError):
            await calls(hub, [DUE])
    assert hub.started == [RUN_ID]
    assert await noted(table) == DUE - MINUTE
    assert await calls(hub, [DUE + MINUTE]) == []
    assert await noted(table) == DUE + MINUTE + SECOND
    assert len(counted) == 1


async def test_a_note_that_cannot_be_written_costs_nothing(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub = TaskHub([])

    async def unavailable(*arguments: object) -> None:
        raise LedgerUnavailable("it is busy")

    with monkeypatch.context() as patch:
        patch.setattr(schedules, "note_decided", unavailable)
        assert await calls(hub, [DUE]) == [RUN_ID]
    assert "schedule=nightly" in logged(caplog, "schedule_failed")[0]
    assert await calls(hub, [DUE + MINUTE, DUE + 2 * MINUTE]) == []


async def test_a_start_that_fails_is_tried_again(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    hub = TaskHub([])
    await decided_until(table, DUE - MINUTE)
    hub.failing.add("POST")
    assert await calls(hub, [DUE, DUE + MINUTE]) == []
    assert [await noted(table), len(logged(caplog, "start_failed"))] == [DUE - SECOND, 2]
    assert "due=2026-01-31T02:30:00.000Z" in logged(caplog, "start_failed")[0]
    hub.failing.clear()
    assert await calls(hub, [DUE + 2 * MINUTE]) == [RUN_ID]
    assert await calls(hub, [DUE + 3 * MINUTE]) == []


@pytest.mark.parametrize(("catch_up", "started"), [("none", 0), ("last", 1), ("all", 1)])
async def test_a_start_that_fails_for_long_counts_as_missed(
    table: CountingTable, catch_up: str, started: int
) -> None:
    hub = TaskHub([])
    await decided_until(table, DUE - MINUTE)
    hub.failing.add("POST")
    moments = [DUE + minutes * MINUTE for minutes in range(12)]
    await calls(hub, moments, schedule(catch_up=catch_up))
    hub.failing.clear()
    await calls(hub, [DUE + 12 * MINUTE], schedule(catch_up=catch_up))
    assert hub.started == [RUN_ID] * started


async def test_what_comes_behind_a_start_that_fails_waits_for_it(table: CountingTable) -> None:
    hub = TaskHub([])
    often = schedule("0 * * * *", catch_up="all")
    await decided_until(table, DUE)
    later = DUE + 10 * MINUTE + timedelta(hours=3)
    hub.failing.add("POST")
    assert await calls(hub, [later], often) == []
    assert await noted(table) == utc("2026-01-31 02:59") + 59 * SECOND
    hub.failing.clear()
    assert await calls(hub, [later + MINUTE], often) == [
        f"schedule-nightly-20260131T{hour}00Z" for hour in ("03", "04", "05")
    ]


@pytest.mark.parametrize(
    ("catch_up", "days", "line"),
    [
        ("none", [], "due=2026-01-29T02:30:00.000Z until=2026-01-31T02:30:00.000Z count=3 catch_up=none"),
        ("last", ["31"], "due=2026-01-29T02:30:00.000Z until=2026-01-30T02:30:00.000Z count=2 catch_up=last"),
        ("all", ["29", "30", "31"], None),
    ],
)
async def test_after_an_outage(
    table: CountingTable,
    caplog: pytest.LogCaptureFixture,
    catch_up: str,
    days: list[str],
    line: str | None,
) -> None:
    hub, rule = TaskHub([]), schedule(catch_up=catch_up)
    await decided_until(table, utc("2026-01-28 12:00"))
    with caplog.at_level(logging.INFO):
        moments = [DUE + timedelta(hours=5), DUE + timedelta(hours=5) + MINUTE]
        assert await calls(hub, moments, rule) == [f"schedule-nightly-202601{day}T0230Z" for day in days]
    assert logged(caplog, "start_skipped") == ([f"start_skipped schedule=nightly {line}"] if line else [])


async def test_one_due_time_that_is_skipped_is_named(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await decided_until(table, DUE - MINUTE)
    with caplog.at_level(logging.INFO):
        await calls(TaskHub([]), [DUE + timedelta(hours=1)], schedule(catch_up="none"))
    assert logged(caplog, "start_skipped") == [
        "start_skipped schedule=nightly due=2026-01-31T02:30:00.000Z catch_up=none"
    ]


async def test_a_deployment_over_a_due_time_starts_it_though_nothing_is_made_up_for(
    table: CountingTable,
) -> None:
    await decided_until(table, DUE - MINUTE)
    assert await calls(TaskHub([]), [DUE + 9 * MINUTE], schedule(catch_up="none")) == [RUN_ID]


async def test_another_time_of_day_holds_from_its_deployment_on(table: CountingTable) -> None:
    """A time of the new rule that was before the last call was never due."""
    hub = TaskHub([])
    rules = [schedule(catch_up="all"), schedule("0 2,5 * * *", catch_up="all")]
    await decided_until(table, DUE - MINUTE)
    assert await calls(hub, [DUE], rules[0]) == [RUN_ID]
    assert await calls(hub, [DUE + MINUTE], rules[1]) == []
    assert await calls(hub, [utc("2026-01-31 05:00")], rules[1]) == ["schedule-nightly-20260131T0500Z"]


async def test_a_schedule_that_fails_does_not_stop_the_others(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    hub = TaskHub([])
    broken = schedule(name="broken")
    await decided_until(table, DUE - MINUTE, "broken")
    object.__setattr__(broken, "time_zone", "No/Where")
    rules = [schedule(name="a"), broken, schedule(name="b")]
    found = await calls(hub, [DUE], *rules)
    assert sorted(found) == ["schedule-a-20260131T0230Z", "schedule-b-20260131T0230Z"]
    assert ["schedule=broken" in line for line in logged(caplog, "schedule_failed")] == [True]
    assert await noted(table, "broken") == DUE - MINUTE


async def test_an_id_that_something_else_took_is_an_error_and_the_next_due_time_starts(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    hub = TaskHub([instance(RUN_ID, name="another_orchestration")])
    await decided_until(table, DUE - MINUTE)
    assert await calls(hub, [DUE, DUE + MINUTE]) == []
    [line] = logged(caplog, "start_not_possible")
    assert RUN_ID in line
    assert await calls(hub, [DUE + timedelta(days=1)]) == ["schedule-nightly-20260201T0230Z"]


async def test_where_the_clock_changes_each_night_has_its_run(table: CountingTable) -> None:
    hub, rule = TaskHub([]), schedule(NIGHTLY, time_zone="Europe/Berlin", catch_up="none")
    for begin, expected in [
        ("2026-03-28 23:00", ["20260329T0100Z"]),
        ("2026-10-24 22:00", ["20261025T0030Z"]),
    ]:
        await decided_until(table, utc(begin))
        moments = [utc(begin) + minutes * 5 * MINUTE for minutes in range(12 * 5)]
        assert await calls(hub, moments, rule) == [f"schedule-nightly-{each}" for each in expected]
