"""Runs that repeat others: which come next, and what their rows say of each other."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from batch.run.state import Run
from ledger.errors import LedgerUnavailable
from ledger.reruns import MOST_SHOWN, changes_for_rerun, next_number, note_rerun, reruns_after
from ledger.run_row import RunList, RunRow
from ledger.runs import add_run, end_run, new_row
from ledger.submissions import change_submission
from ledger.table import Change, Key, Query, Row, RowChanged, Table
from tests.batch.builders import START, after, request
from tests.ledger.runs import RUN, added, end, ended, found, listed


@dataclass(slots=True)
class LossyTable:
    """The first write happens, and its answer is lost."""

    table: Table
    writes: int = 0

    async def read(self, key: Key) -> Row | None:
        return await self.table.read(key)

    async def write(self, *changes: Change) -> None:
        self.writes += 1
        await self.table.write(*changes)
        if self.writes == 1:
            raise LedgerUnavailable("it gave no answer")

    async def rows(self, query: Query) -> list[Row]:
        return await self.table.rows(query)


def rerun_of(run_id: str, first_run: str) -> Run:
    return Run(request=request(), rerun_of=run_id, first_run=first_run)


async def repeat(table: Table, row: RunRow, new_id: str, *, close: bool = False) -> RunRow | None:
    run = rerun_of(row.run_id, row.first_run or row.run_id)
    changes = await changes_for_rerun(table, row, new_id, close_submission=close)
    return await add_run(table, new_row(new_id, run, after(60)), run, changes)


async def test_both_runs_tell_of_each_other_in_their_rows(table: Table) -> None:
    row = await ended(table, "r-1", "Failed")
    assert await repeat(table, row, "r-1.2") is None
    before, again = await found(table), await found(table, "r-1.2")
    assert (before.reruns, before.first_run) == (("r-1.2",), "")
    assert (again.reruns, again.first_run) == ((), "r-1")
    in_list, again_in_list = await listed(table, before), await listed(table, again)
    assert in_list
    assert again_in_list
    assert (in_list.reruns, in_list.rerun_of, in_list.phase) == (("r-1.2",), "", "Failed")
    assert (again_in_list.reruns, again_in_list.rerun_of) == ((), "r-1")
    await end_run(table, again, end("Completed"))
    again_in_list = await listed(table, again)
    assert again_in_list
    assert (again_in_list.rerun_of, again_in_list.phase) == ("r-1", "Completed")


async def test_the_rerun_of_a_run_under_way_is_in_both_lists(table: Table) -> None:
    row = await added(table)
    assert await repeat(table, row, "r-1.2") is None
    for which in RunList:
        in_list = await listed(table, row, which)
        assert in_list
        assert in_list.reruns == ("r-1.2",)


async def test_later_reruns_of_the_same_first_run_are_found_in_order(table: Table) -> None:
    first = await ended(table, "r-1", "Failed")
    for number in (2, 10, 9, 11):
        run = rerun_of("r-1", "r-1")
        await add_run(table, new_row(f"r-1.{number}", run, START), run)
    # None of these repeats r-1.
    await added(table, "r-1.3")
    await added(table, "r-1.x")
    await added(table, "r-10.2", run=rerun_of("r-10", "r-10"))
    await added(table, "r-1.12.2", run=rerun_of("r-1.12", "r-1.12"))
    assert [row.run_id for row in await reruns_after(table, first)] == ["r-1.2", "r-1.9", "r-1.10", "r-1.11"]
    ninth = await found(table, "r-1.9")
    assert [row.run_id for row in await reruns_after(table, ninth)] == ["r-1.10", "r-1.11"]


async def test_numbers_go_on_behind_a_rerun_whose_rows_are_gone(table: Table) -> None:
    row = await ended(table, "r-1", "Failed")
    assert next_number(row, []) == 2
    assert next_number(replace(row, reruns=("r-1.2", "r-1.3")), []) == 4
    assert next_number(replace(row, run_id="r-1.4", first_run="r-1"), []) == 5
    assert next_number(row, [replace(row, run_id="r-1.7", first_run="r-1")]) == 8


async def test_of_callers_at_once_one_adds_the_rerun(table: Table) -> None:
    row = await ended(table, "r-1", "Failed")
    answers = await asyncio.gather(*(repeat(table, row, "r-1.2") for _ in range(4)))
    assert sum(answer is None for answer in answers) == 1
    assert {answer.run_id for answer in answers if answer} == {"r-1.2"}
    assert (await found(table)).reruns == ("r-1.2",)


async def test_a_write_whose_answer_was_lost_counts_as_this_callers(table: Table) -> None:
    """Tried again, both the rows of the rerun and the row of the run before are not as the write expects them."""
    row = await ended(table, "r-1", "Failed")
    lossy = LossyTable(table)
    assert await repeat(lossy, row, "r-1.2") is None
    assert lossy.writes == 2
    assert [each.run_id for each in await reruns_after(table, row)] == ["r-1.2"]


async def test_nothing_is_added_if_the_run_has_claimed_since_it_was_judged(table: Table) -> None:
    row = await ended(table, "r-1", "Failed")
    await change_submission(table, row, lambda submission: submission.claim("a", "t", None))
    with pytest.raises(RowChanged):
        await repeat(table, row, "r-1.2", close=True)
    assert await reruns_after(table, row) == []
    assert (await found(table)).reruns == ()


async def test_a_run_that_was_repeated_cannot_claim_any_more(table: Table) -> None:
    row = await ended(table, "r-1", "Failed")
    await repeat(table, row, "r-1.2", close=True)
    kept = await change_submission(table, await found(table), lambda each: each.claim("a", "t", None))
    assert kept.attempt is None


async def test_the_rows_of_a_run_keep_its_reruns_whatever_else_changes(table: Table) -> None:
    row = await added(table)
    await repeat(table, row, "r-1.2")
    await change_submission(table, await found(table), lambda submission: submission.cancel())
    await end_run(table, await found(table), end("Canceled"))
    kept = await found(table)
    assert (kept.reruns, kept.phase) == (("r-1.2",), "Canceled")
    in_list = await listed(table, kept)
    assert in_list
    assert in_list.reruns == ("r-1.2",)


async def test_a_run_shows_its_latest_reruns(table: Table) -> None:
    await added(table)
    for number in range(2, MOST_SHOWN + 5):
        await note_rerun(table, "r-1", f"r-1.{number}")
    shown = (await found(table)).reruns
    assert len(shown) == MOST_SHOWN
    assert shown[-1] == f"r-1.{MOST_SHOWN + 4}"


async def test_a_rerun_is_noted_once_and_only_in_rows_that_are_there(table: Table) -> None:
    await added(table, run=RUN)
    for _ in range(2):
        await note_rerun(table, "r-1", "r-1.2")
    await note_rerun(table, "r-2", "r-2.2")
    assert (await found(table)).reruns == ("r-1.2",)
    assert await table.read(replace(await found(table), run_id="r-2").key) is None
