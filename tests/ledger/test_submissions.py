"""The submission in a run's row: one attempt holds the claim, whoever else asks at the same time."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from batch.errors import RunError
from batch.run.submission import Submission
from ledger.job_owners import own_job
from ledger.run_row import RunRow
from ledger.runs import delete_run
from ledger.submissions import change_submission
from ledger.table import Table
from tests.ledger.conftest import Handles
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, ended, found

AT_ONCE = 20
NOON = "2026-01-31T12:00:00.000Z"
LATER = "2026-01-31T12:01:00.000Z"
CLAIMED = Submission(marker="a", attempt="a", claimed_at=NOON, claims=1)


def unread(row: RunRow) -> RunRow:
    """The row of a caller that does not know what is kept now."""
    return replace(row, etag="")


async def claim(table: Table, row: RunRow, attempt: str, instead_of: str | None = None) -> Submission:
    return await change_submission(table, row, lambda before: before.claim(attempt, NOON, instead_of))


async def release(table: Table, row: RunRow, attempt: str) -> Submission:
    return await change_submission(table, row, lambda before: before.release(attempt))


async def lose(table: Table, row: RunRow, attempt: str) -> Submission:
    return await change_submission(table, row, lambda before: before.lose(attempt, LATER))


async def cancel(table: Table, row: RunRow) -> Submission:
    return await change_submission(table, row, Submission.cancel)


async def test_a_claim_is_kept_in_the_row_and_changes_nothing_else(table: Table) -> None:
    row = await added(table)
    assert await claim(table, row, "a") == CLAIMED
    kept = await found(table)
    assert kept.submission == CLAIMED
    assert (kept.request, kept.start, kept.phase) == (row.request, row.start, row.phase)
    assert not kept.is_to_be_started


async def test_a_row_that_was_just_read_is_not_read_again(table: Table) -> None:
    counting = CountingTable(table)
    row = await added(table)
    await claim(counting, row, "a")
    assert (counting.reads, counting.writes) == (0, 1)


async def test_what_changes_nothing_is_not_written(table: Table) -> None:
    row = await added(table)
    await claim(table, row, "a")
    counting = CountingTable(table)
    assert await claim(counting, await found(table), "b") == CLAIMED
    assert counting.writes == 0


@pytest.mark.parametrize("change", [partial(claim, attempt="a"), partial(lose, attempt="a"), cancel])
async def test_a_change_that_is_made_again_changes_nothing(table: Table, change: partial) -> None:
    row = unread(await added(table))
    await claim(table, row, "a")
    once = await change(table, row)
    kept = await found(table)
    assert await change(table, row) == once
    assert await found(table) == kept


async def test_a_claim_is_refused_while_another_attempt_holds_it(table: Table) -> None:
    row = unread(await added(table))
    await claim(table, row, "a")
    assert await claim(table, row, "b") == CLAIMED
    assert await claim(table, row, "b", instead_of="c") == CLAIMED


async def test_a_claim_takes_the_place_of_the_one_that_it_names(table: Table) -> None:
    row = unread(await added(table))
    await claim(table, row, "a")
    await lose(table, row, "a")
    taken = await claim(table, row, "b", instead_of="a")
    assert taken == Submission(marker="a", attempt="b", claimed_at=NOON, claims=2, lost_posts=1)
    assert (await found(table)).submission == taken


async def test_a_claim_that_was_released_can_be_claimed_again(table: Table) -> None:
    row = unread(await added(table))
    await claim(table, row, "a")
    assert await release(table, row, "a") == Submission(marker="a")
    assert await release(table, row, "a") == Submission(marker="a")
    assert (await claim(table, row, "b")).attempt == "b"


@pytest.mark.parametrize("change", [release, lose])
async def test_only_the_attempt_that_holds_the_claim_can_change_it(table: Table, change: object) -> None:
    row = unread(await added(table))
    await claim(table, row, "a")
    assert await change(table, row, "b") == CLAIMED


async def test_after_a_cancel_nobody_can_claim(table: Table) -> None:
    row = await added(table)
    await cancel(table, row)
    assert await claim(table, row, "a") == Submission(cancel_requested=True)
    assert (await found(table)).submission == Submission(cancel_requested=True)


async def test_a_cancel_after_the_claim_leaves_the_claim(table: Table) -> None:
    row = unread(await added(table))
    await claim(table, row, "a")
    assert await cancel(table, row) == CLAIMED.cancel()
    assert await claim(table, row, "b", instead_of="a") == CLAIMED.cancel()


async def test_a_claim_for_the_next_job_puts_the_job_before_it_aside(table: Table) -> None:
    row = await added(table)
    await claim(table, row, "a")
    await own_job(table, row, "job-1")
    second = (await found(table)).of_job(2)
    assert await claim(table, second, "b") == replace(CLAIMED, marker="b", attempt="b", job_attempt=2)
    kept = await found(table)
    assert (kept.job, kept.earlier_jobs, kept.phase) == ("", ("job-1",), "Pending")
    assert not kept.is_to_be_started
    await own_job(table, kept, "job-2")
    assert (await found(table)).job == "job-2"
    third = (await found(table)).of_job(3)
    await claim(table, unread(third), "c")
    assert (await found(table)).earlier_jobs == ("job-1", "job-2")


async def test_a_look_for_the_next_job_writes_nothing(table: Table) -> None:
    row = await added(table)
    await claim(table, row, "a")
    kept = await found(table)
    assert await change_submission(table, kept.of_job(2), lambda before: before) == Submission(job_attempt=2)
    assert await found(table) == kept


async def test_a_cancel_before_the_next_job_keeps_others_from_claiming_it(table: Table) -> None:
    row = await added(table)
    await claim(table, row, "a")
    second = unread(await found(table)).of_job(2)
    await cancel(table, unread(row))
    assert (await claim(table, second, "b")).attempt is None
    assert (await found(table)).submission == CLAIMED.cancel()


async def test_a_late_attempt_for_the_job_before_changes_nothing(table: Table) -> None:
    row = await added(table)
    await claim(table, row, "a")
    await claim(table, unread(row).of_job(2), "b")
    second = await found(table)
    for change in (release, lose):
        await change(table, unread(row), "a")
    assert await found(table) == second


async def test_the_phase_of_a_run_that_has_ended_stays(table: Table) -> None:
    row = await ended(table, "r-1", "Terminated")
    await claim(table, row.of_job(2), "b")
    assert (await found(table)).phase == "Terminated"


async def test_of_many_claims_at_once_one_succeeds(handles: Handles) -> None:
    tables = [handles() for _ in range(4)]
    row = await added(tables[0])
    seen = await asyncio.gather(
        *(claim(tables[number % 4], row, f"attempt-{number}") for number in range(AT_ONCE))
    )
    kept = (await found(tables[0])).submission
    assert set(seen) == {kept}
    assert (kept.attempt, kept.claims) == (kept.marker, 1)


async def test_of_many_claims_instead_of_the_same_one_succeeds(handles: Handles) -> None:
    tables = [handles() for _ in range(4)]
    row = await added(tables[0])
    await claim(tables[0], row, "a")
    row = await found(tables[0])
    seen = await asyncio.gather(
        *(claim(tables[number % 4], row, f"attempt-{number}", instead_of="a") for number in range(AT_ONCE))
    )
    kept = (await found(tables[0])).submission
    assert set(seen) == {kept}
    assert (kept.marker, kept.claims) == ("a", 2)


async def test_of_a_claim_and_a_cancel_at_once_neither_is_lost(handles: Handles) -> None:
    one, other = handles(), handles()
    for number in range(10):
        row = await added(one, f"r-{number}")
        claimed, _ = await asyncio.gather(claim(one, row, "a"), cancel(other, row))
        kept = (await found(one, row.run_id)).submission
        assert kept.cancel_requested
        assert kept.attempt == claimed.attempt


async def test_a_row_that_has_changed_since_it_was_read_is_read_again(table: Table) -> None:
    row = await added(table)
    await cancel(table, row)
    counting = CountingTable(table)
    assert await claim(counting, row, "a") == Submission(cancel_requested=True)
    assert (counting.reads, counting.writes) == (1, 1)


async def test_a_run_that_was_deleted_cannot_be_claimed(table: Table) -> None:
    row = await added(table)
    await delete_run(table, row)
    with pytest.raises(RunError, match="no row of run r-1 any more"):
        await claim(table, row, "a")
