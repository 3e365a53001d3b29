"""Housekeeping, lists and the run itself say which runs need a person; a run that does not start is started anew."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch.api.run_query import RunQuery
from batch.api.run_view import RunView
from batch.errors import RunError
from batch.run.state import Run
from batch.timestamps import format_timestamp, parse_timestamp
from ledger.errors import LedgerUnavailable
from ledger.run_row import RunRow
from ledger.runs import note_phase, take_start
from ledger.submissions import change_submission
from task_hub import starts
from task_hub.known_runs import find_run
from task_hub.run_list import list_runs
from task_hub.runs import START_ANEW, decoded_input, nudge
from task_hub.starts import start_run
from task_hub.upkeep import look_after_runs
from tests.batch.builders import custom_status, request, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import RUN, added, found
from tests.task_hub.task_hub import TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

STATE = json.dumps(RUN.to_json())


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(starts, "_PAUSE", 0.0)
    yield


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def pending(minutes: float, **fields: Any) -> TaskHub:
    """The run r-1, whose orchestration has been pending for so long."""
    times = {"createdTime": format_timestamp(ago(minutes)), "lastUpdatedTime": format_timestamp(ago(minutes))}
    hub = TaskHub([instance("r-1", **{"runtimeStatus": "Pending", "input": STATE, **times, **fields})])
    hub.now = format_timestamp(datetime.now(UTC))
    return hub


async def housekeeping(hub: TaskHub) -> None:
    with hub.served() as client:
        await look_after_runs(client, 100, 100)


async def view(hub: TaskHub, run_id: str = "r-1") -> RunView:
    with hub.served() as client:
        known = await find_run(client, run_id)
    assert known is not None
    return known.view


async def in_list(hub: TaskHub) -> RunView:
    with hub.served() as client:
        [view], _ = await list_runs(client, RunQuery())
    return view


def attention_in(view: RunView) -> str | None:
    return view["needs_attention"] and view["needs_attention"]["code"]


def lines(caplog: pytest.LogCaptureFixture, *events: str) -> list[str]:
    messages = (record.getMessage() for record in caplog.records)
    return [line for line in messages if line.partition(" ")[0] in events]


async def claimed(table: CountingTable, row: RunRow) -> None:
    await change_submission(
        table, row, lambda submission: submission.claim("a", format_timestamp(datetime.now(UTC)), None)
    )


# A run that has not started.


async def test_a_run_that_has_not_started_says_since_when(table: CountingTable) -> None:
    row = await added(table, started_at=ago(5))
    shown = await view(pending(5))
    assert parse_timestamp(shown["pending_since"]) == row.started_at
    assert shown["needs_attention"] is None


@pytest.mark.parametrize("has_instance", [True, False])
async def test_after_ten_minutes_it_needs_attention(
    table: CountingTable, caplog: pytest.LogCaptureFixture, has_instance: bool
) -> None:
    await added(table, started_at=ago(11))
    hub = pending(11) if has_instance else TaskHub([])
    shown = await view(hub)
    assert attention_in(shown) == "run_not_started"
    assert shown["needs_attention"] == (await in_list(hub))["needs_attention"]
    hub.failing.add("POST")
    await housekeeping(hub)
    [line] = lines(caplog, "run_not_started")
    assert line.startswith(f"run_not_started run=r-1 since={shown['started_at']} message=")
    assert (hub.started, hub.terminated) == ([], [])


async def test_the_answer_to_the_same_request_again_says_it(table: CountingTable) -> None:
    await added(table, started_at=ago(30))
    hub = pending(30)
    with hub.served() as client:
        existing = await start_run(client, "r-1", RUN)
    assert existing is not None
    assert attention_in(existing.view) == "run_not_started"


async def test_a_run_without_an_orchestration_is_started_and_not_reported(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await added(table, started_at=ago(11))
    hub = TaskHub([])
    await housekeeping(hub)
    assert hub.started == ["r-1"]
    assert lines(caplog, "run_not_started") == []


# A run that is started anew.


async def test_after_an_hour_it_is_started_anew(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    before = await added(table, started_at=ago(61))
    hub = pending(61)
    await housekeeping(hub)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == (["r-1"], ["r-1"])
    assert hub.instances["r-1"]["runtimeStatus"] == "Pending"
    assert Run.from_json(decoded_input(hub.instances["r-1"]["input"])) == RUN
    row = await found(table)
    assert (row.started_at, row.is_to_be_started) == (before.started_at, True)
    [line] = lines(caplog, "run_started_anew")
    assert "run=r-1" in line
    shown = await view(hub)
    assert (shown["phase"], shown["runtime_status"]) == ("Pending", "Pending")


async def test_not_before_an_hour(table: CountingTable) -> None:
    await added(table, started_at=ago(59))
    hub = pending(59)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == ([], [])


async def test_a_run_that_was_submitted_is_not_terminated(table: CountingTable) -> None:
    """Its row in the task hub may be out of date."""
    await claimed(table, await added(table, started_at=ago(300)))
    hub = pending(300)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == ([], [])


async def test_a_run_that_submits_meanwhile_is_not_terminated(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await added(table, started_at=ago(300))
    hub = pending(300)

    async def take_after_the_claim(table: CountingTable, row: RunRow, now: datetime) -> RunRow | None:
        await claimed(table, await found(table))
        return await take_start(table, row, now)

    monkeypatch.setattr(starts, "take_start", take_after_the_claim)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == ([], [])


@pytest.mark.parametrize("runtime_status", ["Running", "Suspended"])
async def test_a_run_that_is_not_pending_is_not_terminated(table: CountingTable, runtime_status: str) -> None:
    await added(table, started_at=ago(300))
    hub = pending(300, runtimeStatus=runtime_status)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == ([], [])


async def test_a_terminate_that_takes_its_time_is_followed_by_a_start_in_a_later_call(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await added(table, started_at=ago(61))
    hub = pending(61)
    hub.deaf = True
    await housekeeping(hub)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == (["r-1"], []), "not in each call"
    assert len(lines(caplog, "run_not_started")) == 2
    hub.instances["r-1"].update(runtimeStatus="Terminated", output=START_ANEW)
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == (["r-1"], ["r-1"])
    assert len(lines(caplog, "run_started_anew")) == 1


async def test_a_terminate_that_was_lost_is_sent_again_after_another_hour(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await added(table, started_at=ago(61))
    hub = pending(61)
    hub.deaf = True
    await housekeeping(hub)
    monkeypatch.setattr(starts, "_ANEW_AFTER", timedelta(0))
    hub.deaf = False
    await housekeeping(hub)
    assert (hub.terminated, hub.started) == (["r-1", "r-1"], ["r-1"])


async def test_a_terminate_that_is_refused_leaves_the_run_to_a_later_call(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await added(table, started_at=ago(61))
    hub = pending(61)
    hub.failing.add("POST")
    await housekeeping(hub)
    assert len(lines(caplog, "run_not_mended")) == 1
    assert (await found(table)).start == "", "any caller may start it as soon as it is terminated"


@pytest.mark.parametrize("has_claim", [True, False])
async def test_until_then_the_run_is_pending_and_the_same_request_starts_it(
    table: CountingTable, has_claim: bool
) -> None:
    """Also if it began just before the terminate came: the next orchestration finds the job by the claim."""
    row = await added(table, started_at=ago(61))
    if has_claim:
        await claimed(table, row)
    hub = pending(61, runtimeStatus="Terminated", output=START_ANEW)
    for shown in (await view(hub), await in_list(hub)):
        assert (shown["phase"], shown["runtime_status"], shown["ended_at"]) == ("Pending", "Pending", None)
        assert attention_in(shown) == "run_not_started"
    assert (await found(table)).phase == "Pending"
    with hub.served() as client:
        assert not await nudge(client, "r-1")
        existing = await start_run(client, "r-1", RUN)
    assert existing is not None
    assert not existing.ended
    assert hub.started == ["r-1"]


@pytest.mark.parametrize("has_claim", [True, False])
async def test_a_run_that_was_terminated_for_it_is_started_by_housekeeping(
    table: CountingTable, has_claim: bool
) -> None:
    row = await added(table, started_at=ago(61))
    if has_claim:
        await claimed(table, row)
    await note_phase(table, row, "Running")
    hub = pending(61, runtimeStatus="Terminated", output=START_ANEW)
    await housekeeping(hub)
    await housekeeping(hub)
    assert hub.started == ["r-1"]


async def test_a_run_that_somebody_terminates_stays_terminated(table: CountingTable) -> None:
    await added(table, started_at=ago(61))
    hub = pending(61, runtimeStatus="Terminated", output="by hand")
    await housekeeping(hub)
    assert (await view(hub))["phase"] == "Terminated"
    assert hub.started == []


async def test_a_run_that_had_reported_its_end_is_not_started_anew(table: CountingTable) -> None:
    await added(table, started_at=ago(61))
    reported = {"phase": "Failed", "error": {"code": "job_failed", "message": "It failed.", "advice": ""}}
    hub = pending(61, runtimeStatus="Terminated", output=START_ANEW, customStatus=reported)
    await housekeeping(hub)
    assert (await view(hub))["phase"] == "Failed"
    assert hub.started == []


async def test_a_run_that_cannot_be_started_anew_does_not_stop_the_others(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub = TaskHub([])
    hub.now = format_timestamp(datetime.now(UTC))
    for number in range(3):
        await added(table, f"r-{number}", ago(61 + number))
        hub.instances[f"r-{number}"] = {**pending(61).instances["r-1"], "instanceId": f"r-{number}"}

    async def fail_for_one(table: CountingTable, row: RunRow, now: datetime) -> RunRow | None:
        if row.run_id == "r-1":
            raise LedgerUnavailable("it is busy")
        return await take_start(table, row, now)

    monkeypatch.setattr(starts, "take_start", fail_for_one)
    await housekeeping(hub)
    assert sorted(hub.started) == ["r-0", "r-2"]
    [line] = lines(caplog, "run_not_mended")
    assert "run=r-1" in line


# A run that goes on.


def going_on(status: str = "Running", **fields: Any) -> TaskHub:
    state = run(
        status=status,
        checks=2,
        last_check_at=ago(fields.pop("checked", 1)),
        stalled_since=ago(61) if status in ("NotResponding", "CancelRequested") else None,
    )
    reported = custom_status(state, next_check_at=ago(fields.pop("due", -1)))
    return pending(90, **{"runtimeStatus": "Running", "customStatus": reported, **fields})


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({}, None, ""),
        ({"checked": 10, "due": 8}, "run_not_checked", "was last checked"),
        ({"checked": 10, "due": 8, "runtimeStatus": "Suspended"}, "run_not_checked", "is suspended"),
        ({"status": "NotResponding"}, "job_not_moving", "NotResponding"),
        ({"status": "CancelRequested"}, "job_not_moving", "CancelRequested"),
    ],
)
async def test_each_finding_is_one_line_and_in_the_view(
    table: CountingTable,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
    code: str | None,
    words: str,
) -> None:
    hub = going_on(**fields)
    await note_phase(table, await added(table, started_at=ago(90)), "Running")
    await housekeeping(hub)
    found = lines(caplog, "run_not_started", "run_not_checked", "job_not_moving")
    shown = await view(hub)
    assert attention_in(shown) == attention_in(await in_list(hub)) == code
    assert len(found) == (code is not None)
    if shown["needs_attention"]:
        assert words in shown["needs_attention"]["message"]
        [line] = found
        assert line.startswith(
            f"{code} run=r-1 job=batchjob-1 since={shown['needs_attention']['since']} message="
        )
        assert words in line


@pytest.mark.parametrize(("poll_interval", "is_reported"), [(60, True), (86_400, False)])
async def test_a_run_that_reports_nothing_is_judged_by_its_request(
    table: CountingTable, caplog: pytest.LogCaptureFixture, poll_interval: int, is_reported: bool
) -> None:
    """A killed host can lose what a run reported, until the next check."""
    asked = Run(request=request(poll_interval=poll_interval))
    await added(table, started_at=ago(90), run=asked)
    hub = pending(90, runtimeStatus="Running", input=json.dumps(asked.to_json()))
    await housekeeping(hub)
    assert len(lines(caplog, "run_not_checked")) == is_reported
    assert attention_in(await view(hub)) == ("run_not_checked" if is_reported else None)
    assert attention_in(await in_list(hub)) is None, "a list does not read requests"


async def test_a_hub_that_does_not_answer_is_no_finding(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    await added(table, started_at=ago(90))
    hub = pending(90)
    hub.failing.add("GET")
    await housekeeping(hub)
    assert len(lines(caplog, "run_not_mended")) == 1
    assert lines(caplog, "run_not_started") == []
    with pytest.raises(RunError):
        await view(hub)
