"""A run is run again once, whatever fails and whatever comes in between; a rerun that was accepted is never lost."""

import asyncio

import pytest

from batch.names import INVOKE
from tests.faults.plan import Fault, Plan
from tests.faults.walk import MakeWorld, Scenario, walk, walk_gaps
from tests.faults.world import MOST_POSTS, MOST_STEPS, RUN, World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

AGAIN = f"{RUN}.2"
ACCEPTED = (200, 202)


async def failed(world: World) -> None:
    """A run whose job failed; nothing goes wrong until then."""
    await world.runs()
    with world.faults.paused():
        world.azure_ml.ends_as = "Failed"
        await world.settle()
    world.azure_ml.ends_as = "Completed"


async def rerun_until_answered(world: World) -> list[int | None]:
    statuses: list[int | None] = []
    for _ in range(MOST_POSTS):
        status, answer = await world.rerun()
        statuses.append(status)
        if status in ACCEPTED:
            assert answer["id"] == AGAIN
            return statuses
        world.clock.advance(seconds=5)
    raise AssertionError(f"no rerun was accepted: {statuses}")


def assert_linked(world: World) -> None:
    rows = world.rows()
    assert rows[f"id {RUN}"]["Reruns"] == AGAIN
    assert rows[f"id {AGAIN}"]["FirstRun"] == RUN
    listed = {row["RunId"]: row for key, row in rows.items() if key.startswith("at ")}
    assert set(listed) == {RUN, AGAIN}
    assert (listed[RUN]["Reruns"], listed[AGAIN]["RerunOf"]) == (AGAIN, RUN)


def assert_completed_once(world: World) -> None:
    """One rerun, one job of it, and both runs know of each other."""
    assert world.broken == []
    assert world.hub.started == [RUN, AGAIN]
    assert world.hub.instances[AGAIN]["runtimeStatus"] == "Completed"
    assert [len(world.azure_ml.jobs_of(run_id)) for run_id in (RUN, AGAIN)] == [1, 1]
    world.azure_ml.assert_that_each_post_had_a_claim()
    assert_linked(world)


async def is_run_again(world: World) -> None:
    await failed(world)
    statuses = await rerun_until_answered(world)
    assert statuses.count(202) <= 1
    with world.faults.paused():
        await world.settle()
    assert_completed_once(world)
    await world.is_purged()


async def has_a_caller_that_asks_once(world: World) -> None:
    """Without an answer there is a rerun, which completes, or none, but nothing in between."""
    await failed(world)
    status, _ = await world.rerun()
    world.clock.advance(minutes=30)
    with world.faults.paused():
        await world.housekeeping()
        await world.settle()
    if status in ACCEPTED or f"id {AGAIN}" in world.rows():
        assert_completed_once(world)
    else:
        assert world.hub.started == [RUN]
        assert "Reruns" not in world.rows()[f"id {RUN}"]
    await world.is_purged()


async def another_rerun(world: World) -> None:
    assert (await world.rerun())[0] in ACCEPTED


async def another_rerun_minutes_later(world: World) -> None:
    world.wait(minutes=2)
    assert (await world.rerun())[0] in ACCEPTED
    world.wait(minutes=1)


async def housekeeping_an_hour_later(world: World) -> None:
    world.wait(hours=1)
    await world.housekeeping()
    world.wait(minutes=1)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize(
    "scenario", [is_run_again, has_a_caller_that_asks_once], ids=lambda scenario: scenario.__name__
)
async def test_with_a_fault_at_each_operation(
    make_world: MakeWorld, scenario: Scenario, fault: Fault
) -> None:
    assert await walk(make_world, scenario, fault) >= 10


@pytest.mark.parametrize("then", [None, Fault.LOST_AFTER, Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
@pytest.mark.parametrize("action", [another_rerun, another_rerun_minutes_later, housekeeping_an_hour_later])
async def test_with_something_else_in_each_gap(
    make_world: MakeWorld, action: Scenario, then: Fault | None
) -> None:
    assert await walk_gaps(make_world, is_run_again, action, then) >= 10


async def test_callers_at_once_start_one(make_world: MakeWorld) -> None:
    for _ in range(5):
        world = await make_world(Plan())
        await failed(world)
        answers = await asyncio.gather(*(world.rerun() for _ in range(6)))
        assert sorted(status or 0 for status, _ in answers) == [200] * 5 + [202]
        assert {answer["id"] for _, answer in answers} == {AGAIN}
        await world.settle()
        assert_completed_once(world)


@pytest.mark.parametrize("then", [None, Fault.KILLED_AFTER])
async def test_a_late_step_of_a_terminated_run_pays_no_second_job(
    make_world: MakeWorld, then: Fault | None
) -> None:
    """The step that submits is at work while the run is terminated and run again."""

    async def late_step(world: World) -> None:
        await world.runtime.deliver_again(RUN)

    async def scenario(world: World) -> None:
        with world.faults.paused():
            await world.already_rebuilt()
            await world.post_until_answered()
            for _ in range(MOST_STEPS):
                if world.runtime.at_work(RUN) == INVOKE:
                    break
                await world.runtime.step()
            assert world.runtime.at_work(RUN) == INVOKE
        world.end_from_outside("Terminated")
        status, _ = await world.rerun()
        with world.faults.paused():
            await world.runtime.deliver_again(RUN)
            await world.settle()
        jobs = {run_id: len(world.azure_ml.jobs_of(run_id)) for run_id in (RUN, AGAIN)}
        is_there = f"id {AGAIN}" in world.rows()
        assert jobs == ({RUN: 0, AGAIN: 1} if is_there else {RUN: 1, AGAIN: 0})
        assert status in ((*ACCEPTED, None) if is_there else (409, None))

    assert await walk_gaps(make_world, scenario, late_step, then) >= 8
