"""A run that stays pending is started anew once and submits one job, whatever fails and whatever comes in between."""

import pytest

from tests.faults.plan import Fault, Plan
from tests.faults.walk import MakeWorld, Scenario, walk, walk_gaps
from tests.faults.world import RUN, World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

STEPS_TO_SUBMIT = 10


async def stays_pending(world: World) -> None:
    """Its orchestration does not begin for two hours."""
    await world.already_rebuilt()
    with world.faults.paused():
        await world.post_until_answered()
    world.wait(hours=2)
    await world.housekeeping()
    with world.faults.paused():
        for _ in range(2):
            world.wait(minutes=5)
            await world.housekeeping()
        await world.settle()
    assert len(world.hub.started) <= 2
    await world.assert_ended_once("Completed", starts=len(world.hub.started))


async def begins_after_all(world: World) -> None:
    """The message that starts the orchestration comes late, and the run submits its job."""
    for _ in range(STEPS_TO_SUBMIT):
        if not world.azure_ml.jobs:
            await world.runtime.step()


async def is_posted_again(world: World) -> None:
    assert await world.post() == 200
    world.wait(minutes=1)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_with_a_fault_at_each_operation(make_world: MakeWorld, fault: Fault) -> None:
    assert await walk(make_world, stays_pending, fault) >= 8


@pytest.mark.parametrize("action", [begins_after_all, is_posted_again])
async def test_with_something_else_in_each_gap(make_world: MakeWorld, action: Scenario) -> None:
    assert await walk_gaps(make_world, stays_pending, action) >= 8


async def test_without_a_fault_it_is_started_twice(make_world: MakeWorld) -> None:
    world = await make_world(Plan())
    await stays_pending(world)
    assert (world.hub.terminated, world.hub.started) == ([RUN], [RUN, RUN])
