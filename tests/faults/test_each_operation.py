"""One fault at each operation of a run's life, from its start to its purge: nothing is lost, doubled or unlisted."""

import pytest

from tests.faults.plan import Fault
from tests.faults.walk import MakeWorld, Scenario, walk
from tests.faults.world import RUN, World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")


async def completes(world: World) -> None:
    await world.already_rebuilt()
    await world.post_until_answered()
    # Only the start of a caller that was killed waits for housekeeping.
    assert world.hub.started == [RUN] or world.unanswered
    await world.settle()
    await world.assert_ended_once("Completed")
    await world.purge()
    world.assert_nothing_is_left()


async def fails(world: World) -> None:
    await world.runs()
    world.azure_ml.ends_as = "Failed"
    await world.settle()
    await world.assert_ended_once("Failed")
    await world.is_purged()


async def is_canceled_while_it_runs(world: World) -> None:
    await world.runs()
    assert await world.cancel_until_answered() == 202
    await world.settle()
    await world.assert_ended_once("Canceled")
    await world.is_purged()


async def is_canceled_before_its_first_step(world: World) -> None:
    await world.already_rebuilt()
    await world.post_until_answered()
    assert await world.cancel_until_answered() == 202
    await world.settle()
    await world.assert_ended_once("Canceled", jobs=0)
    await world.is_purged()


async def has_a_caller_that_posts_once(world: World) -> None:
    """Without an answer the run may exist or not, but nothing in between."""
    await world.already_rebuilt()
    await world.post()
    # After an hour it would be started anew.
    world.clock.advance(minutes=30)
    await world.housekeeping()
    with world.faults.paused():
        await world.settle()
    if world.answers == [202] or f"id {RUN}" in world.rows():
        await world.assert_ended_once("Completed")
    else:
        assert (world.hub.started, world.azure_ml.jobs) == ([], {})
    await world.is_purged()


async def is_watched(world: World) -> None:
    """Who looks at a list brings the ledger up to date, too."""
    await world.runs()
    world.azure_ml.ends_as = "Completed"
    while world.runtime.under_way:
        await world.list()
        await world.runtime.step()
    world.clock.advance(minutes=2)
    for _ in range(2):
        await world.list()
        await world.get()
    await world.settle()
    await world.assert_ended_once("Completed")


async def is_terminated(world: World) -> None:
    """Its last step never comes."""
    await world.runs()
    world.end_from_outside("Terminated")
    await world.settle()
    await world.assert_in_ledger("Terminated", "Terminated")
    await world.is_purged()


async def loses_its_orchestration(world: World) -> None:
    """Somebody purges the task hub by hand while the run goes on."""
    await world.runs()
    world.hub.purge(RUN)
    await world.settle()
    await world.assert_in_ledger("Terminated", "Terminated")
    assert world.hub.started == [RUN]
    await world.purge()
    world.assert_nothing_is_left()


SCENARIOS = (
    *(fails, has_a_caller_that_posts_once, is_watched),
    *(is_canceled_while_it_runs, is_canceled_before_its_first_step),
    *(is_terminated, loses_its_orchestration),
)
UNLIKE = (Fault.LOST_AFTER, Fault.BUSY_LONG, Fault.KILLED_AFTER)
"""The others differ little from these, and are walked in the whole life of a run."""


def name_of(fault: Fault) -> str:
    return fault.name.lower()


@pytest.mark.parametrize("fault", Fault, ids=name_of)
async def test_a_run_that_completes(make_world: MakeWorld, fault: Fault) -> None:
    assert await walk(make_world, completes, fault) > 30


@pytest.mark.parametrize("fault", UNLIKE, ids=name_of)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_a_run_that(make_world: MakeWorld, scenario: Scenario, fault: Fault) -> None:
    assert await walk(make_world, scenario, fault) >= 4
