"""One fault at each operation of a run that a version without a ledger has started: it ends, and is listed, once."""

import json
from typing import Any

import pytest

from batch.azure_ml.endpoint import ATTEMPT_TAG, RUN_ID_TAG
from batch.run.outcome import end_of
from batch.run.submission import Submission
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after, body, custom_status, parse, result, run
from tests.faults.plan import Fault
from tests.faults.walk import MakeWorld, Scenario, walk
from tests.faults.world import RUN, World
from tests.task_hub.task_hub import entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

_, ASKED = parse(body(run_id=RUN))
CLAIMED = Submission().claim("a" * 32, format_timestamp(START), None)
SUBMITTING = run(asked=ASKED, identity={"client_id": "c"})
QUEUED = run(asked=ASKED, status="Preparing")
COMPLETED = run(asked=ASKED, status="Completed")


def began(world: World, state: Any, status: Any, **fields: Any) -> None:
    """What that version has left: the orchestration, the job, and the entities of both."""
    world.of_version("1.1")
    job = world.azure_ml.add({RUN_ID_TAG: RUN, ATTEMPT_TAG: "a" * 32})
    times = {"createdTime": format_timestamp(START), "lastUpdatedTime": format_timestamp(after(60))}
    kept = [
        instance(
            RUN,
            **{
                "runtimeStatus": "Running",
                "input": json.dumps(state),
                "customStatus": status,
                **times,
                **fields,
            },
        ),
        entity("submission", RUN, CLAIMED.to_json()),
        entity("job_owner", job.name, RUN),
    ]
    world.hub.instances.update({one["instanceId"]: one for one in kept})


async def ended_once(world: World) -> None:
    assert (world.broken, world.hub.started) == ([], [])
    assert len(world.azure_ml.jobs) == 1
    assert world.azure_ml.attempts == []
    assert set(world.answers) <= {200, 503}
    await world.assert_in_ledger("Completed", "Completed")
    await world.is_purged()


async def waits_for_its_job(world: World) -> None:
    await world.already_rebuilt()
    began(world, QUEUED.to_json(), custom_status(QUEUED))
    await world.post_until_answered()
    await world.settle()
    await ended_once(world)


async def is_stopped_before_it_knows_its_job(world: World) -> None:
    """The job is adopted: the entity says that an attempt may have submitted one."""
    await world.already_rebuilt()
    began(world, SUBMITTING.to_json(), custom_status(SUBMITTING))
    await world.settle()
    await ended_once(world)


async def is_posted_again_before_it_knows_its_job(world: World) -> None:
    await world.already_rebuilt()
    began(world, SUBMITTING.to_json(), custom_status(SUBMITTING))
    await world.post_until_answered()
    await world.settle()
    await ended_once(world)


async def has_ended(world: World) -> None:
    await world.already_rebuilt()
    began(world, COMPLETED.to_json(), *_ended())
    world.hub.instances[RUN].update(runtimeStatus="Completed", output=result(COMPLETED, after(60)))
    await world.post_until_answered()
    await ended_once(world)


async def has_ended_and_is_found_by_the_rebuild(world: World) -> None:
    began(world, COMPLETED.to_json(), *_ended())
    world.hub.instances[RUN].update(runtimeStatus="Completed", output=result(COMPLETED, after(60)))
    for _ in range(2):
        world.clock.advance(hours=1)
        await world.housekeeping()
    await ended_once(world)


def _ended() -> list[Any]:
    return [custom_status(COMPLETED, end=end_of(COMPLETED, after(60)), ended_at=after(60))]


SCENARIOS = (
    *(waits_for_its_job, is_stopped_before_it_knows_its_job, is_posted_again_before_it_knows_its_job),
    *(has_ended, has_ended_and_is_found_by_the_rebuild),
)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_a_run_that(make_world: MakeWorld, scenario: Scenario, fault: Fault) -> None:
    assert await walk(make_world, scenario, fault) >= 3
