"""A run whose first job is preempted: one job for each attempt whatever goes wrong, and none is lost."""

from random import Random
from typing import Any

import pytest

from activities import invoke
from batch.azure_ml.rest import HttpError
from batch.errors import ErrorCode
from batch.run.state import Run
from task_hub.runs import decoded_input
from tests.faults.plan import Fault, Plan
from tests.faults.walk import MakeWorld, Scenario, play, walk, walk_gaps
from tests.faults.world import RUN, World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

OUTPUT = "azureml://datastores/lake/paths/out/{run_id}.csv"
PAIRS = 60
OPERATIONS = 30
"""At least as many has such a run before its purge."""
APART_AT_MOST = 8
STEPS = 60
"""Until the second job is at work, if nothing goes wrong."""


def is_preempted(world: World) -> None:
    world.azure_ml.preempted = 1
    world.asked = {"job_attempts": 2, "endpoint_output_uri": OUTPUT}


async def completes(world: World) -> None:
    is_preempted(world)
    await world.already_rebuilt()
    await world.post_until_answered()
    await world.settle()
    await world.assert_ended_once("Completed", jobs=2)
    state = Run.from_json(decoded_input(world.hub.instances[RUN]["input"]))
    assert (state.job_attempt, state.earlier_job_names) == (2, ("batchjob-1",))
    await world.purge()
    world.assert_nothing_is_left()


async def its_second_job_is_at_work(world: World) -> None:
    """Until then nothing goes wrong but the preemption."""
    is_preempted(world)
    world.azure_ml.ends_as = None
    with world.faults.paused():
        await world.already_rebuilt()
        await world.post_until_answered()
        for _ in range(STEPS):
            if len(world.azure_ml.jobs) == 2:
                return
            await world.runtime.step()
    raise AssertionError("there is no second job")


async def is_canceled_while_its_second_job_runs(world: World) -> None:
    await its_second_job_is_at_work(world)
    assert await world.cancel_until_answered() == 202
    await world.settle()
    await world.assert_ended_once("Canceled", jobs=2)
    world.azure_ml.assert_that_none_runs()
    await world.is_purged()


async def loses_its_orchestration(world: World) -> None:
    """Somebody purges the task hub by hand: the ledger alone knows the jobs."""
    await its_second_job_is_at_work(world)
    world.hub.purge(RUN)
    with world.faults.paused():
        await world.settle()
    await world.purge()
    with world.faults.paused():
        await world.purge()
    world.assert_nothing_is_left()


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_with_a_fault_at_each_operation(make_world: MakeWorld, fault: Fault) -> None:
    assert await walk(make_world, completes, fault) > OPERATIONS


@pytest.mark.parametrize(
    "fault", [Fault.LOST_AFTER, Fault.KILLED_AFTER], ids=lambda fault: fault.name.lower()
)
@pytest.mark.parametrize("scenario", [is_canceled_while_its_second_job_runs, loses_its_orchestration])
async def test_it_ends_with_a_fault_at_each_operation(
    make_world: MakeWorld, scenario: Scenario, fault: Fault
) -> None:
    assert await walk(make_world, scenario, fault) >= 4


@pytest.mark.parametrize(
    "then",
    [None, Fault.LOST_AFTER, Fault.KILLED_BEFORE, Fault.KILLED_AFTER],
    ids=lambda fault: fault.name.lower() if fault else "answered",
)
async def test_a_cancel_that_was_accepted_leaves_no_job_at_work(
    make_world: MakeWorld, then: Fault | None
) -> None:
    async def cancel(world: World) -> None:
        assert await world.cancel() in (202, 404)

    async def scenario(world: World) -> None:
        is_preempted(world)
        world.azure_ml.ends_as = None
        await world.already_rebuilt()
        await world.post_until_answered()
        for _ in range(STEPS):
            await world.runtime.step()
        await world.cancel_until_answered()
        await world.settle()
        jobs = len(world.azure_ml.jobs)
        # If the first job has failed in the check that finds the request, its own end counts.
        phase = world.rows()[f"id {RUN}"]["Phase"]
        assert phase == "Canceled" or (phase, jobs) == ("Failed", 1)
        await world.assert_ended_once(phase, jobs=jobs)
        world.azure_ml.assert_that_none_runs()

    assert await walk_gaps(make_world, scenario, cancel, then) > OPERATIONS


@pytest.mark.parametrize("then", [None, Fault.LOST_AFTER, Fault.KILLED_AFTER])
@pytest.mark.parametrize("minutes", [0, 20])
async def test_an_activity_that_is_delivered_late_has_no_effect_on_the_next_job(
    make_world: MakeWorld, minutes: int, then: Fault | None
) -> None:
    """Each that has answered comes again in each gap, and the one at work."""

    async def late(world: World) -> None:
        # A process that stops between its look at the clock and its POST cannot know that its claim has expired.
        if not (minutes and "Azure ML POST" in world.faults.operations[-1]):
            world.clock.advance(minutes=minutes)
            await world.runtime.deliver_earlier_ones()
            await world.runtime.deliver_again(RUN)

    async def scenario(world: World) -> None:
        is_preempted(world)
        with world.faults.paused():
            await world.already_rebuilt()
            await world.post_until_answered()
        await world.runtime.run_to_ends()
        with world.faults.paused():
            await world.settle()
        await world.assert_ended_once("Completed", jobs=2)
        await world.is_purged()

    assert await walk_gaps(make_world, scenario, late, then) >= 20


async def test_with_two_faults(make_world: MakeWorld) -> None:
    random = Random(14)  # noqa: S311 - no secret
    both = 0
    for _ in range(PAIRS):
        first = random.randint(1, OPERATIONS - APART_AT_MOST)
        second = first + random.randint(1, APART_AT_MOST)
        world = await make_world(Plan({number: random.choice(list(Fault)) for number in (first, second)}))
        await play(world, completes)
        both += world.faults.over
    assert both > PAIRS * 0.8


async def test_no_more_jobs_than_attempts(make_world: MakeWorld) -> None:
    world = await make_world(Plan())
    is_preempted(world)
    world.azure_ml.preempted = 9
    world.asked["job_attempts"] = 5
    await world.already_rebuilt()
    await world.post_until_answered()
    await world.settle()
    await world.assert_ended_once("Failed", jobs=5)
    await world.is_purged()


async def test_a_late_delivery_for_the_first_job_does_not_use_a_claim_that_was_given_back(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submission of the second job is refused, so nobody holds a claim when the late delivery comes."""
    world = await make_world(Plan())
    is_preempted(world)
    submit, refused = invoke.submit, 0

    def refuse_the_second(*arguments: Any) -> Any:
        nonlocal refused
        if len(world.azure_ml.jobs) == 1 and not refused:
            refused += 1
            raise HttpError(429, ErrorCode.SERVICE_UNAVAILABLE, "Busy.")
        return submit(*arguments)

    monkeypatch.setattr(invoke, "submit", refuse_the_second)

    async def scenario(world: World) -> None:
        await world.already_rebuilt()
        await world.post_until_answered()
        while not refused:
            await world.runtime.step()
        await world.runtime.deliver_earlier_ones()
        await world.settle()
        await world.assert_ended_once("Completed", jobs=2)

    await play(world, scenario)
