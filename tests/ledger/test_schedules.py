"""The place of each schedule, in each store."""

import asyncio
from datetime import timedelta

from ledger.schedules import forget_other_schedules, move_place, place_of
from ledger.table import Table
from tests.batch.builders import START
from tests.ledger.conftest import Handles

LATER = START + timedelta(hours=1)


async def test_a_schedule_begins_where_it_is_first_seen(table: Table) -> None:
    assert (await place_of(table, "nightly", START)).until == START
    assert (await place_of(table, "nightly", LATER)).until == START
    assert (await place_of(table, "other", LATER)).until == LATER


async def test_the_first_of_two_callers_moves_the_place(table: Table) -> None:
    first, second = await place_of(table, "nightly", START), await place_of(table, "nightly", START)
    await move_place(table, first, LATER)
    await move_place(table, second, START + timedelta(minutes=1))
    assert (await place_of(table, "nightly", START)).until == LATER


async def test_many_callers_that_see_a_schedule_first_get_one_place(handles: Handles) -> None:
    moments = [START + timedelta(seconds=number) for number in range(5)]
    places = await asyncio.gather(*(place_of(handles(), "nightly", moment) for moment in moments))
    assert len({place.until for place in places}) == 1


async def test_a_schedule_that_is_not_in_the_settings_is_forgotten(table: Table) -> None:
    for name in ("a", "b", "nightly"):
        await place_of(table, name, START)
    assert await forget_other_schedules(table, {"b", "new"}) == 2
    assert (await place_of(table, "a", LATER)).until == LATER
    assert (await place_of(table, "b", LATER)).until == START
    assert await forget_other_schedules(table, {"a", "b"}) == 0
    assert await forget_other_schedules(table, set()) == 2
