"""The rows of a run: added, ended and deleted as a whole."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from batch.run.status import RunStatus
from ledger.errors import LedgerUnavailable
from ledger.job_owners import own_job, owner_of
from ledger.run_row import RunList, RunRow, job_key, listed_phase
from ledger.runs import (
    RunEnd,
    add_run,
    delete_run,
    end_run,
    find_row,
    leave_start,
    new_row,
    note_phase,
    run_to_start,
    take_start,
)
from ledger.submissions import change_submission
from ledger.table import Change, Insert, Key, Query, Row, Table
from tests.batch.builders import ENDPOINT_URI, START, after, request
from tests.ledger.conftest import Handles
from tests.ledger.runs import RUN, added, end, ended, found, listed, of_folder

AT_ONCE = 20
OTHER = RUN.model_copy(update={"request": request(timeout=5)})
LISTS = list(RunList)


async def rows_of(table: Table, row: RunRow) -> list[str]:
    """Which rows of the run exist."""
    keys = {"id": row.key, **{which.value: row.key_in(which) for which in RunList}}
    return [name for name, key in keys.items() if await table.read(key)]


async def test_an_added_run_has_its_row_and_is_in_both_lists(table: Table) -> None:
    run = of_folder("incoming", "2026/ä 😀/")
    assert await find_row(table, "r-1") is None
    row = await added(table, started_at=START + timedelta(microseconds=123_987), run=run)
    assert row.started_at == row.starting_at == START + timedelta(milliseconds=123)
    assert (row.request, row.phase, row.earlier) == (run.request.fingerprint(), "Pending", False)
    assert row.start
    assert row.is_to_be_started
    for which in LISTS:
        in_list = await listed(table, row, which)
        assert in_list is not None
        assert (in_list.run_id, in_list.started_at, in_list.phase) == ("r-1", row.started_at, "Pending")
        assert (in_list.endpoint_uri, in_list.source) == (ENDPOINT_URI, "incoming/2026/ä 😀/")
        assert not in_list.has_ended
    assert await run_to_start(table, row) == run


async def test_the_same_call_again_adds_nothing_and_is_told_that_it_added(table: Table) -> None:
    row = new_row("r-1", RUN, START)
    assert await add_run(table, row, RUN) is None
    assert await add_run(table, row, RUN) is None
    assert await found(table) == replace(row, etag=(await found(table)).etag)


@pytest.mark.parametrize("run", [RUN, OTHER], ids=["same", "other"])
async def test_another_call_is_given_the_row_that_is_there(table: Table, run: object) -> None:
    before = await added(table)
    assert await add_run(table, new_row("r-1", run, after(5)), run) == before
    assert await rows_of(table, before) == ["id", "at", "open"]
    assert await rows_of(table, new_row("r-1", RUN, after(5))) == ["id"]


async def test_of_many_calls_at_once_one_adds_the_run(handles: Handles) -> None:
    tables = [handles() for _ in range(4)]
    rows = [new_row("r-1", RUN, after(number)) for number in range(AT_ONCE)]
    present = await asyncio.gather(
        *(add_run(tables[number % 4], row, RUN) for number, row in enumerate(rows))
    )
    [winner] = [row for row, other in zip(rows, present, strict=True) if other is None]
    assert {row.start for row in present if row} == {winner.start}
    for row in rows:
        assert await rows_of(tables[0], row) == (["id", "at", "open"] if row is winner else ["id"])


class AnswerLost:
    """Loses the answers to the first ``lost`` writes, after they happened."""

    def __init__(self, table: Table, lost: int) -> None:
        self.table = table
        self.lost = lost

    async def read(self, key: Key) -> Row | None:
        return await self.table.read(key)

    async def rows(self, query: Query) -> list[Row]:
        return await self.table.rows(query)

    async def write(self, *changes: Change) -> None:
        await self.table.write(*changes)
        if self.lost:
            self.lost -= 1
            raise LedgerUnavailable("the answer is lost")


async def test_a_call_whose_answer_is_lost_has_added_the_run(table: Table) -> None:
    assert await add_run(AnswerLost(table, 1), new_row("r-1", RUN, START), RUN) is None
    assert await rows_of(table, await found(table)) == ["id", "at", "open"]


async def test_an_end_whose_answer_is_lost_is_written(table: Table) -> None:
    row = await added(table)
    await end_run(AnswerLost(table, 1), row, end("Completed"))
    await delete_run(AnswerLost(table, 1), row)
    assert await rows_of(table, row) == []


async def test_an_ended_run_is_in_the_list_of_all_runs_alone(table: Table) -> None:
    row = await added(table, run=of_folder("incoming", "2026/"))
    status = RunStatus(
        phase="Failed", checks=3, endpoint_uri=ENDPOINT_URI, ended_at="2026-01-31T12:01:00.000Z"
    )
    await end_run(table, row, RunEnd(status, "Failed"))
    assert await rows_of(table, row) == ["id", "at"]
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.phase, in_list.ended_at, in_list.runtime_status) == ("Failed", status.ended_at, "Failed")
    assert (in_list.source, in_list.endpoint_uri) == ("incoming/2026/", ENDPOINT_URI)
    assert in_list.has_ended
    assert RunStatus.model_validate_json(in_list.status) == status
    kept = await found(table)
    assert (kept.phase, kept.is_to_be_started) == ("Failed", False)
    assert await run_to_start(table, kept) is None


async def test_an_end_without_a_time_or_an_endpoint_loses_neither(table: Table) -> None:
    row = await added(table)
    await end_run(table, row, RunEnd(RunStatus(phase="Terminated"), "Terminated"))
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.ended_at, in_list.endpoint_uri) == ("2026-01-31T12:00:00.000Z", ENDPOINT_URI)


async def test_the_first_end_stays(table: Table) -> None:
    row = await added(table)
    await end_run(table, row, end("Failed"))
    before = await listed(table, row)
    for again in (end("Failed"), end("Completed", after(60))):
        await end_run(table, row, again)
        assert await listed(table, row) == before
        assert (await found(table)).phase == "Failed"


async def test_of_two_ends_at_once_one_is_kept_as_a_whole(handles: Handles) -> None:
    one, other = handles(), handles()
    row = await added(one)
    await asyncio.gather(end_run(one, row, end("Failed")), end_run(other, row, end("Completed", after(9))))
    in_list = await listed(one, row)
    assert in_list is not None
    assert (in_list.phase, in_list.ended_at, in_list.runtime_status) in {
        ("Failed", "2026-01-31T12:00:00.000Z", "Failed"),
        ("Completed", "2026-01-31T12:00:09.000Z", "Completed"),
    }
    assert (await found(one)).phase == in_list.phase


async def test_a_phase_is_noted_in_all_rows_of_a_run_under_way(table: Table) -> None:
    row = await added(table)
    await note_phase(table, row, "Running")
    phases = [in_list.phase for which in LISTS if (in_list := await listed(table, row, which))]
    assert phases == ["Running", "Running"]
    kept = await found(table)
    assert (kept.phase, kept.is_to_be_started) == ("Running", False)
    assert await run_to_start(table, kept) == RUN


async def test_a_phase_is_not_noted_after_the_end(table: Table) -> None:
    row = await ended(table, "r-1", "Completed")
    before = await listed(table, row)
    await note_phase(table, row, "Running")
    assert await listed(table, row) == before
    assert await rows_of(table, row) == ["id", "at"]
    assert (await found(table)).phase == "Completed"


async def test_a_deleted_run_leaves_nothing_and_nothing_comes_back(table: Table) -> None:
    row = await added(table)
    await delete_run(table, row)
    await delete_run(table, row)
    await note_phase(table, row, "Running")
    await end_run(table, row, end("Failed"))
    await leave_start(table, row)
    assert await take_start(table, row, after(5)) is None
    assert await rows_of(table, row) == []
    assert await run_to_start(table, row) is None
    assert (await added(table, run=OTHER)).request == OTHER.request.fingerprint()


async def test_an_ended_run_is_deleted_with_the_owner_of_its_job(table: Table) -> None:
    row, other = await added(table), await added(table, "r-2")
    await own_job(table, row, "job-1")
    await own_job(table, other, "job-2")
    await end_run(table, row, end("Completed"))
    await delete_run(table, row, ["job-1"])
    assert await rows_of(table, row) == []
    assert await rows_of(table, other) == ["id", "at", "open"]
    assert [await owner_of(table, job) for job in ("job-1", "job-2")] == [None, "r-2"]


async def test_a_run_is_deleted_with_the_owners_of_all_its_jobs(table: Table) -> None:
    row = await added(table)
    await own_job(table, row, "job-1")
    second = (await found(table)).of_job(2)
    await change_submission(table, second, lambda before: before.claim("b", "t", None))
    await own_job(table, second, "job-2")
    # The row may not have learnt of each.
    await table.write(Insert(job_key("job-0"), {"RunId": "r-1"}))
    await delete_run(table, await found(table), ["job-0", "job-2"])
    assert await rows_of(table, row) == []
    assert [await owner_of(table, job) for job in ("job-0", "job-1", "job-2")] == [None, None, None]


async def test_a_run_is_deleted_without_the_owner_of_a_job_of_another_run(table: Table) -> None:
    """Two runs may have taken the job of one for their own; the first of them owns it."""
    row, other = await added(table), await added(table, "r-2")
    await own_job(table, row, "job-1")
    await delete_run(table, other, ["job-1"])
    assert await owner_of(table, "job-1") == "r-1"


async def test_a_run_that_has_the_id_of_a_deleted_run_stays(table: Table) -> None:
    """The answer to a delete may be lost, and the id used again before the next try."""
    row = await added(table)
    await delete_run(table, row)
    again = await added(table, started_at=after(1))
    await delete_run(table, row)
    assert await rows_of(table, again) == ["id", "at", "open"]


async def test_of_two_takes_of_a_start_one_succeeds(handles: Handles) -> None:
    one, other = handles(), handles()
    row = await added(one)
    taken = await asyncio.gather(take_start(one, row, after(60)), take_start(other, row, after(61)))
    [winner] = [each for each in taken if each]
    kept = await found(one)
    assert (kept.start, kept.starting_at) == (winner.start, winner.starting_at)
    assert kept.start != row.start
    assert (kept.started_at, kept.request) == (row.started_at, row.request)


@pytest.mark.parametrize("meanwhile", ["canceled", "ended", "left", "taken"])
async def test_a_start_is_not_taken_by_a_row_that_was_read_before_a_change(
    table: Table, meanwhile: str
) -> None:
    row = await added(table)
    match meanwhile:
        case "canceled":
            await change_submission(table, row, lambda before: before.cancel())
        case "ended":
            await end_run(table, row, end("Failed"))
        case "left":
            await leave_start(table, row)
        case "taken":
            await take_start(table, row, after(60))
    before = await found(table)
    assert await take_start(table, row, after(61)) is None
    assert await found(table) == before


async def test_a_start_that_was_left_can_be_taken_at_once(table: Table) -> None:
    row = await added(table)
    await leave_start(table, row)
    await leave_start(table, row)
    left = await found(table)
    assert (left.start, left.is_to_be_started) == ("", True)
    assert await take_start(table, left, after(1))


async def test_a_start_is_left_whatever_else_has_changed(table: Table) -> None:
    row = await added(table)
    await change_submission(table, row, lambda before: before.cancel())
    await leave_start(table, row)
    left = await found(table)
    assert (left.start, left.submission.cancel_requested) == ("", True)


async def test_a_caller_does_not_leave_the_start_of_another(table: Table) -> None:
    row = await added(table)
    taken = await take_start(table, row, after(60))
    assert taken
    await leave_start(table, row)
    assert (await found(table)).start == taken.start


async def test_leaves_and_cancels_at_once_lose_neither(handles: Handles) -> None:
    tables = [handles() for _ in range(3)]
    row = await added(tables[0])
    await asyncio.gather(
        leave_start(tables[0], row),
        *(change_submission(table, row, lambda before: before.cancel()) for table in tables[1:]),
    )
    kept = await found(tables[0])
    assert (kept.start, kept.submission.cancel_requested) == ("", True)


@pytest.mark.parametrize("phase", ["Pending", "Authorizing", "Submitting"])
def test_the_phases_before_the_job_are_one_in_the_lists(phase: str) -> None:
    assert listed_phase(phase) == "Pending"


@pytest.mark.parametrize("phase", ["Queued", "Running", "Canceling", "Completed", "TimedOut", "OfTomorrow"])
def test_the_other_phases_are_listed_as_they_are(phase: str) -> None:
    assert listed_phase(phase) == phase
