"""Random faults and random actions of people, while a run has several jobs: no job is doubled, and none is lost."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from tests.faults.azure_ml import FakeJob
from tests.faults.plan import Fault, Plan
from tests.faults.walk import MakeWorld, play
from tests.faults.world import RUN, World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

WALKS = 100
OPERATIONS = 32
"""About as many has a run with three jobs, without its purge."""
FAULTS_AT_MOST = 4
ACTIONS_AT_MOST = 4
JOB_ATTEMPTS = 3


class Walk:
    """``wrong`` says which jobs Azure ML should not have got: what is raised there is only an answer that is lost."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wrong: list[str] = []
        self._canceled = False
        self._held: str | None = None
        """The attempt that held the claim when the cancel was accepted."""

    async def cancel(self) -> None:
        if await self.world.cancel() == 202 and not self._canceled:
            self._canceled, self._held = True, self.world.attempt_of(RUN)

    async def rerun(self) -> None:
        await self.world.rerun()

    async def post(self) -> None:
        await self.world.post()

    async def keep_house(self) -> None:
        await self.world.housekeeping()

    async def deliver_earlier_ones(self) -> None:
        await self.world.runtime.deliver_earlier_ones()

    async def deliver_again(self) -> None:
        await self.world.runtime.deliver_again(RUN)

    @property
    def actions(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        return (
            self.cancel,
            self.rerun,
            self.post,
            self.keep_house,
            self.deliver_earlier_ones,
            self.deliver_again,
        )

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        azure_ml = self.world.azure_ml
        add = azure_ml.add

        def watched(*of: Any) -> FakeJob:
            at_work = azure_ml.at_work()
            job = add(*of)
            if at_work:
                self.wrong.append(f"{job.name} of {job.run_id} is submitted while {at_work} are at work")
            if self._canceled and job.run_id == RUN and azure_ml.attempts[-1] != self._held:
                self.wrong.append(f"{job.name} is submitted after the cancel")
            return job

        monkeypatch.setattr(azure_ml, "add", watched)

    async def to_its_end(self, world: World) -> None:
        world.asked = {
            "job_attempts": JOB_ATTEMPTS,
            "endpoint_output_uri": "azureml://datastores/lake/paths/out/{run_id}.csv",
        }
        await world.already_rebuilt()
        await world.post_until_answered()
        await world.settle()
        assert self.wrong == []
        assert world.broken == []
        assert world.answers.count(202) <= 1
        self.assert_that_each_job_has_an_owner()
        world.azure_ml.assert_that_each_post_had_a_claim()
        world.azure_ml.assert_that_no_two_jobs_share_an_output()
        world.azure_ml.assert_that_none_runs()
        await world.is_purged()

    def assert_that_each_job_has_an_owner(self) -> None:
        rows, azure_ml = self.world.rows(), self.world.azure_ml
        runs = [row["RunId"] for key, row in rows.items() if key.startswith("id ")]
        assert {job.run_id for job in azure_ml.jobs.values()} <= set(runs)
        for run_id in runs:
            jobs = {f"job {job.name}" for job in azure_ml.jobs_of(run_id)}
            assert len(jobs) <= JOB_ATTEMPTS
            assert {key for key, row in rows.items() if key in jobs and row["RunId"] == run_id} == jobs
            assert self.world.hub.instances[run_id]["runtimeStatus"] in ("Completed", "Failed")


async def new_walk(make_world: MakeWorld, random: Random) -> Walk:
    async def acts() -> None:
        await random.choice(walk.actions)()

    numbers = random.sample(range(1, OPERATIONS), FAULTS_AT_MOST + ACTIONS_AT_MOST)
    faulty = numbers[: random.randint(0, FAULTS_AT_MOST)]
    gaps = numbers[FAULTS_AT_MOST : FAULTS_AT_MOST + random.randint(0, ACTIONS_AT_MOST)]
    faults = {number: random.choice(list(Fault)) for number in faulty}
    walk = Walk(await make_world(Plan(faults, dict.fromkeys(gaps, acts))))
    walk.world.azure_ml.preempted = random.randint(0, JOB_ATTEMPTS)
    return walk


async def test_no_job_is_doubled_or_lost(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)  # noqa: S311 - no secret
    over = 0
    for _ in range(WALKS):
        walk = await new_walk(make_world, random)
        walk.watch(monkeypatch)
        await play(walk.world, walk.to_its_end)
        over += walk.world.faults.over
    assert over > WALKS * 0.5
