"""Walks a scenario: once for each of its operations, with something that happens there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

from tests.faults.plan import Fault, Plan
from tests.faults.world import World

Scenario = Callable[[World], Awaitable[None]]
MakeWorld = Callable[[Plan], Awaitable[World]]


async def walk(make: MakeWorld, scenario: Scenario, fault: Fault) -> int:
    """``fault`` at each operation. How many operations the scenario has."""
    return await _walk((await make(Plan({number: fault})) for number in count(1)), scenario)


async def walk_gaps(make: MakeWorld, scenario: Scenario, action: Scenario, then: Fault | None = None) -> int:
    """``action`` in the gap before each operation, and ``then`` at that operation. How many gaps there are."""

    async def with_gap(number: int) -> World:
        async def meanwhile() -> None:
            await action(world)

        world = await make(Plan({number: then} if then else {}, {number: meanwhile}))
        return world

    return await _walk((await with_gap(number) for number in count(1)), scenario)


async def play(world: World, scenario: Scenario) -> None:
    try:
        await scenario(world)
    except BaseException as error:
        error.add_note(f"the API raised: {world.broken}, answers: {world.answers}")
        error.add_note(f"what happened: {world.faults.happened}")
        error.add_note("\n".join(["operations:", *world.faults.operations]))
        raise


async def _walk(worlds: AsyncIterator[World], scenario: Scenario) -> int:
    walked = 0
    async for world in worlds:
        await play(world, scenario)
        if not world.faults.over:
            break
        walked += 1
    return walked
