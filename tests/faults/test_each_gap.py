"""Between two operations something else happens completely: another start, a cancel, a delivery, housekeeping."""

import asyncio

import pytest

from batch.run.state import Run
from task_hub.runs import decoded_input
from tests.faults.plan import Fault, Plan
from tests.faults.walk import MakeWorld, Scenario, walk_gaps
from tests.faults.world import RUN, World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

THEN = pytest.mark.parametrize(
    "then",
    [None, Fault.LOST_AFTER, Fault.BUSY_LONG, Fault.KILLED_BEFORE, Fault.KILLED_AFTER],
    ids=lambda fault: fault.name.lower() if fault else "answered",
)
"""How the operation behind the gap ends."""

STEPS = 12
"""Until the job is at work, if nothing goes wrong."""
OTHER_TIMEOUT = 7_200


async def another_start(world: World) -> None:
    assert await world.post() in (200, 202)


async def another_start_minutes_later(world: World) -> None:
    """The first caller has stopped for so long that another one may start the run in its place."""
    world.wait(minutes=2)
    assert await world.post() in (200, 202)
    world.wait(minutes=1)


async def housekeeping_an_hour_later(world: World) -> None:
    world.wait(hours=1)
    await world.housekeeping()
    world.wait(minutes=1)


@THEN
@pytest.mark.parametrize("action", [another_start, another_start_minutes_later, housekeeping_an_hour_later])
async def test_a_run_is_started_once_whoever_else_starts_it(
    make_world: MakeWorld, action: Scenario, then: Fault | None
) -> None:
    async def scenario(world: World) -> None:
        await world.already_rebuilt()
        await world.post_until_answered()
        with world.faults.paused():
            await world.settle()
        await world.assert_ended_once("Completed")

    assert await walk_gaps(make_world, scenario, action, then) >= 3


@THEN
async def test_a_start_that_was_lost_is_made_up_for_once(make_world: MakeWorld, then: Fault | None) -> None:
    async def scenario(world: World) -> None:
        await world.already_rebuilt()
        await world.lose_the_start()
        world.wait(minutes=2)
        await world.post_until_answered()
        with world.faults.paused():
            await world.settle()
        await world.assert_ended_once("Completed")
        assert 202 not in world.answers

    assert await walk_gaps(make_world, scenario, another_start, then) >= 4


@pytest.mark.parametrize("lost", [False, True])
async def test_of_callers_at_once_one_starts_the_run(make_world: MakeWorld, lost: bool) -> None:
    """Their operations mix as they come."""
    for _ in range(5):
        world = await make_world(Plan())
        await world.already_rebuilt()
        if lost:
            await world.lose_the_start()
            world.wait(minutes=2)
        await asyncio.gather(*(world.post() for _ in range(6)))
        assert sorted(world.answers) == ([200] * 6 if lost else [200] * 5 + [202])
        await world.settle()
        await world.assert_ended_once("Completed")


async def test_of_two_requests_with_one_id_one_is_started(make_world: MakeWorld) -> None:
    async def another_request(world: World) -> None:
        assert await world.post(timeout=OTHER_TIMEOUT) in (202, 409)

    async def scenario(world: World) -> None:
        await world.already_rebuilt()
        first = await world.post()
        if world.faults.over:
            assert sorted(world.answers) == [202, 409]
        assert first in (202, 409)
        await world.settle()
        kept = Run.from_json(decoded_input(world.hub.instances[RUN]["input"])).request.timeout
        assert (kept == OTHER_TIMEOUT) == (first == 409)
        await world.assert_ended_once("Completed")

    assert await walk_gaps(make_world, scenario, another_request) >= 3


@THEN
async def test_a_cancel_that_was_accepted_takes_effect(make_world: MakeWorld, then: Fault | None) -> None:
    async def cancel(world: World) -> None:
        assert await world.cancel() in (202, 404)

    async def scenario(world: World) -> None:
        await world.already_rebuilt()
        world.azure_ml.ends_as = None
        await world.post_until_answered()
        for _ in range(STEPS):
            await world.runtime.step()
        await world.cancel_until_answered()
        await world.settle()
        await world.assert_ended_once("Canceled", jobs=len(world.azure_ml.jobs))

    assert await walk_gaps(make_world, scenario, cancel, then) >= 15


@THEN
@pytest.mark.parametrize("minutes", [0, 20])
async def test_an_activity_that_is_delivered_twice_has_one_effect(
    make_world: MakeWorld, minutes: int, then: Fault | None
) -> None:
    async def again(world: World) -> None:
        # A process that stops between its look at the clock and its POST cannot know that its claim has expired.
        if not (minutes and "Azure ML POST" in world.faults.operations[-1]):
            world.clock.advance(minutes=minutes)
            await world.runtime.deliver_again(RUN)

    async def scenario(world: World) -> None:
        with world.faults.paused():
            await world.already_rebuilt()
            await world.post_until_answered()
        await world.runtime.run_to_ends()
        with world.faults.paused():
            await world.settle()
        await world.assert_ended_once("Completed")

    assert await walk_gaps(make_world, scenario, again, then) >= 10
