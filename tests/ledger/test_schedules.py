"""Until when each schedule is decided, in each store."""

import asyncio
from datetime import timedelta

from ledger.schedules import find_decided, forget_other_schedules, note_decided
from ledger.table import Table
from tests.batch.builders import START
from tests.ledger.conftest import Handles

LATER = START + timedelta(hours=1)


async def test_a_schedule_begins_where_it_is_first_seen(table: Table) -> None:
    assert (await find_decided(table, "nightly", START)).until == START
    assert (await find_decided(table, "nightly", LATER)).until == START
    assert (await find_decided(table, "other", LATER)).until == LATER


async def test_the_first_of_two_callers_notes_what_is_decided(table: Table) -> None:
    first, second = await find_decided(table, "nightly", START), await find_decided(table, "nightly", START)
    await note_decided(table, first, LATER)
    await note_decided(table, second, START + timedelta(minutes=1))
    assert (await find_decided(table, "nightly", START)).until == LATER


async def test_many_callers_that_see_a_schedule_first_get_one_row(handles: Handles) -> None:
    moments = [START + timedelta(seconds=number) for number in range(5)]
    found = await asyncio.gather(*(find_decided(handles(), "nightly", moment) for moment in moments))
    assert len({each.until for each in found}) == 1


async def test_a_schedule_that_is_not_in_the_settings_is_forgotten(table: Table) -> None:
    for name in ("a", "b", "nightly"):
        await find_decided(table, name, START)
    assert await forget_other_schedules(table, {"b", "new"}) == 2
    assert (await find_decided(table, "a", LATER)).until == LATER
    assert (await find_decided(table, "b", LATER)).until == START
    assert await forget_other_schedules(table, {"a", "b"}) == 0
    assert await forget_other_schedules(table, set()) == 2
