"""A job belongs to the first run that says so."""

import asyncio

import pytest

from ledger.job_owners import own_job, owner_of
from ledger.run_row import RunList
from ledger.runs import delete_run, end_run, note_phase
from ledger.table import Table
from tests.ledger.conftest import Handles
from tests.ledger.runs import added, end, found, listed


async def test_a_job_has_no_owner_until_a_run_says_so(table: Table) -> None:
    row = await added(table)
    assert await owner_of(table, "job-1") is None
    assert await own_job(table, row, "job-1") == "r-1"
    assert await owner_of(table, "job-1") == "r-1"
    assert await owner_of(table, "job-2") is None


async def test_the_lists_show_a_run_with_a_job_as_queued(table: Table) -> None:
    row = await added(table)
    await own_job(table, row, "job-1")
    phases = [in_list.phase for which in RunList if (in_list := await listed(table, row, which))]
    assert [*phases, (await found(table)).phase] == ["Queued"] * 3


async def test_to_own_a_job_again_changes_nothing(table: Table) -> None:
    row = await added(table)
    await own_job(table, row, "job-1")
    await note_phase(table, row, "Running")
    assert await own_job(table, row, "job-1") == "r-1"
    assert (await found(table)).phase == "Running"


async def test_a_second_run_is_told_the_owner_and_changes_nothing(table: Table) -> None:
    row, other = await added(table), await added(table, "r-2")
    await own_job(table, row, "job-1")
    assert await own_job(table, other, "job-1") == "r-1"
    assert await owner_of(table, "job-1") == "r-1"
    assert (await found(table, "r-2")).phase == "Pending"


async def test_of_two_runs_at_once_one_owns_the_job(handles: Handles) -> None:
    one, other = handles(), handles()
    rows = [await added(one, run_id) for run_id in ("r-1", "r-2")]
    told = await asyncio.gather(own_job(one, rows[0], "job-1"), own_job(other, rows[1], "job-1"))
    owner = await owner_of(one, "job-1")
    assert set(told) == {owner}
    assert owner in ("r-1", "r-2")
    phases = {row.run_id: (await found(one, row.run_id)).phase for row in rows}
    assert [run_id for run_id, phase in phases.items() if phase == "Queued"] == [owner]


@pytest.mark.parametrize("gone", ["ended", "deleted"])
async def test_the_job_of_a_run_that_is_gone_is_known_all_the_same(table: Table, gone: str) -> None:
    row, other = await added(table), await added(table, "r-2")
    if gone == "ended":
        await end_run(table, row, end("Failed"))
    else:
        await delete_run(table, row)
    assert await own_job(table, row, "job-1") == "r-1"
    assert await own_job(table, row, "job-1") == "r-1"
    assert await own_job(table, other, "job-1") == "r-1"
    in_list = await listed(table, row)
    assert (in_list.phase if in_list else None) == ("Failed" if gone == "ended" else None)
