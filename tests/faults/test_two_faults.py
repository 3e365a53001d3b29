"""Two faults in one life of a run, in ledger, task hub or Azure ML: pairs drawn at random, the same each time."""

from random import Random

import pytest

from tests.faults.plan import Fault, Plan
from tests.faults.walk import MakeWorld, Scenario, play
from tests.faults.world import World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

PAIRS = 60
OPERATIONS = 21
"""At least as many has a run before its purge."""
APART_AT_MOST = 8


async def completes(world: World) -> None:
    await world.already_rebuilt()
    await world.post_until_answered()
    await world.settle()
    await world.assert_ended_once("Completed")
    await world.is_purged()


async def is_canceled(world: World) -> None:
    await world.already_rebuilt()
    world.azure_ml.ends_as = None
    await world.post_until_answered()
    for _ in range(10):
        await world.runtime.step()
    assert await world.cancel_until_answered() == 202
    await world.settle()
    await world.assert_ended_once("Canceled", jobs=len(world.azure_ml.jobs))
    await world.is_purged()


@pytest.mark.parametrize("scenario", [completes, is_canceled])
async def test_a_run_with_two_faults(make_world: MakeWorld, scenario: Scenario) -> None:
    random = Random(12)  # noqa: S311 - no secret
    both = 0
    for _ in range(PAIRS):
        first = random.randint(1, OPERATIONS - APART_AT_MOST)
        second = first + random.randint(1, APART_AT_MOST)
        world = await make_world(Plan({number: random.choice(list(Fault)) for number in (first, second)}))
        await play(world, scenario)
        both += world.faults.over
    assert both > PAIRS * 0.8
