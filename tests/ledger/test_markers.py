"""The newest upload of a marker file: decided once, whoever asks at the same time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from batch.new_data.blob import Blob
from ledger.errors import LedgerUnavailable
from ledger.markers import forget_markers, marker_key, run_of_marker
from ledger.table import Change, Query, Row, Table
from tests.batch.builders import START, after
from tests.batch.new_data.events import blob
from tests.ledger.conftest import Handles

CREATED = replace(blob("in/_SUCCESS"), is_empty=True, is_created_only=True, order="001")
CLOSED = replace(blob("in/_SUCCESS", version="0x2"), order="002")


async def _run(table: Table, of: Blob, run_id: str, marker: str = "m-1", seconds: float = 0) -> str:
    return await run_of_marker(table, marker, of, run_id, after(seconds))


async def test_the_events_of_an_upload_have_one_run(table: Table) -> None:
    assert await _run(table, CREATED, "r-created") == "r-created"
    for _ in range(2):
        assert await _run(table, CLOSED, "r-closed") == "r-created"
        assert await _run(table, CREATED, "r-created") == "r-created"


async def test_each_marker_has_its_own(table: Table) -> None:
    assert await _run(table, CREATED, "r-1") == "r-1"
    assert await _run(table, CLOSED, "r-2", marker="m-2") == "r-2"


async def test_events_that_come_at_the_same_time_have_one_run(handles: Handles) -> None:
    runs = await asyncio.gather(
        *(_run(handles(), one, f"r-{one.version}") for one in (CREATED, CLOSED, CREATED, CLOSED))
    )
    assert len(set(runs)) == 1


class _LosesAnswers:
    """Makes each first write, and does not say so."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.lost = 0
        self.read = table.read
        self.rows = table.rows

    async def write(self, *changes: Change) -> None:
        await self._table.write(*changes)
        self.lost += 1
        if self.lost % 2:
            raise LedgerUnavailable("no answer")


async def test_a_write_whose_answer_is_lost_decides_the_same(table: Table) -> None:
    losing = _LosesAnswers(table)
    assert await _run(losing, CLOSED, "r-closed") == "r-closed"
    assert await _run(losing, CREATED, "r-created") == "r-closed"
    assert losing.lost == 2


async def test_a_marker_that_is_not_written_any_more_is_forgotten(table: Table) -> None:
    for seconds, marker in enumerate(("m-0", "m-1", "m-2", "m-3")):
        await _run(table, CREATED, "r-1", marker, seconds)
    await forget_markers(table, START + timedelta(seconds=3), limit=2)
    left = [number for number in range(4) if await table.read(marker_key(f"m-{number}"))]
    assert len(left) == 2 and 3 in left
    await forget_markers(table, START + timedelta(seconds=3), limit=2)
    assert [number for number in range(4) if await table.read(marker_key(f"m-{number}"))] == [3]


@pytest.mark.parametrize("delivery", [CREATED, CLOSED])
async def test_a_delivery_that_changes_nothing_keeps_no_marker(table: Table, delivery: Blob) -> None:
    await _run(table, CREATED, "r-1")
    await _run(table, CLOSED, "r-2")
    await _run(table, delivery, "r-3", seconds=60)
    await forget_markers(table, after(30), limit=10)
    assert await table.read(marker_key("m-1")) is None


async def test_a_marker_that_is_written_while_the_old_ones_are_forgotten_stays(table: Table) -> None:
    """Else the other event of its upload would start a second run."""
    again = replace(CREATED, order="003")
    await _run(table, CREATED, "r-1")

    class WrittenMeanwhile:
        read, write = table.read, table.write

        async def rows(self, query: Query) -> list[Row]:
            found = await table.rows(query)
            assert await _run(table, again, "r-2", seconds=60) == "r-2"
            return found

    await forget_markers(WrittenMeanwhile(), after(30), limit=10)
    assert await _run(table, replace(CLOSED, order="004"), "r-3", seconds=61) == "r-2"
