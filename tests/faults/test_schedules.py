"""Each due time starts its run once, whatever goes wrong at any operation and whoever comes in between."""

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from batch.new_data.settings import RULES, new_data
from ledger.run_row import PARTITION
from ledger.table import Key
from tests.batch.new_data.schedules import schedule_fields, utc
from tests.faults.plan import Fault, Killed, process
from tests.faults.walk import MakeWorld, walk, walk_gaps
from tests.faults.world import World
from tests.triggers.functions import INVOCATION, functions
from triggers import schedules

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

START_SCHEDULED = functions(schedules.bp)["start_scheduled"]
LAST_CALL = utc("2026-01-31 12:10")
RUN_IDS = [f"schedule-nightly-20260131T12{minute}Z" for minute in ("01", "03")]


@pytest.fixture(autouse=True)
def rules(settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    rule = schedule_fields("1,3 12 * * *", catch_up="all")
    monkeypatch.setenv(RULES, json.dumps([rule]))
    new_data.cache_clear()
    yield
    new_data.cache_clear()


async def call(world: World) -> None:
    with process():
        try:
            await START_SCHEDULED(timer=None, client=world.hub.binding, context=INVOCATION)
        except Killed:
            return


async def starts_what_is_due(world: World) -> None:
    """The clock calls each minute, for some minutes after the last due time. Then the runs end."""
    await world.already_rebuilt()
    await call(world)
    while world.clock.now < LAST_CALL:
        world.wait(minutes=1)
        await call(world)
    await world.housekeeping()
    assert sorted(world.hub.started) == RUN_IDS
    await world.settle()
    for run_id in RUN_IDS:
        [_] = world.azure_ml.jobs_of(run_id)
        assert world.rows()[f"id {run_id}"]["Phase"] == "Completed"
    world.azure_ml.assert_that_each_post_had_a_claim()
    with world.faults.paused():
        await call(world)
        row = await world.table.read(Key(PARTITION, "schedule nightly"))
    assert row is not None
    assert datetime.fromisoformat(row.values["Until"]) >= LAST_CALL


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_one_fault(make_world: MakeWorld, fault: Fault) -> None:
    assert await walk(make_world, starts_what_is_due, fault) > 30


async def test_another_call_in_between(make_world: MakeWorld) -> None:
    assert await walk_gaps(make_world, starts_what_is_due, call) > 30


async def test_another_call_in_between_and_then_a_kill(make_world: MakeWorld) -> None:
    assert await walk_gaps(make_world, starts_what_is_due, call, Fault.KILLED_AFTER) > 30
