"""What searches of one process share: a reading of the list, and the look at a job."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from batch.addresses import WorkspaceId
from batch.azure_ml import known_jobs
from batch.azure_ml.job import JobResource
from batch.azure_ml.known_jobs import Foreign, KnownJobs, Owned
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.azure_ml.workspace_jobs import JobList
from batch.errors import ErrorCode, RunError
from batch.timestamps import format_timestamp
from tests.batch.azure_ml.jobs import arm_job
from tests.batch.builders import ENDPOINT_URI, START, WORKSPACE_ID, after, settings
from tests.waiting import wait_for

LIMIT = 10.0
WORKSPACE = WorkspaceId(WORKSPACE_ID)
JOB = JobResource.parse(arm_job())


class HeldList:
    """Each reading waits until the test lets it go on; ``since`` has the time of each that began."""

    def __init__(self) -> None:
        self.since: list[datetime] = []
        self.answers: list[JobList | BaseException] = []
        self._go_on = threading.Semaphore(0)

    def __call__(self, since: datetime, **_: Any) -> JobList:
        self.since.append(since)
        assert self._go_on.acquire(timeout=LIMIT)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def let_go_on(self, answer: JobList | BaseException) -> None:
        self.answers.append(answer)
        self._go_on.release()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldList]:
    held = HeldList()
    monkeypatch.setattr(known_jobs, "jobs_since", held)
    yield held
    for _ in range(10):
        held.let_go_on(JobList(()))


def _jobs(*names: str) -> JobList:
    return JobList(tuple(JobResource.parse({**arm_job(), "name": name}) for name in names))


def _names(listed: JobList) -> list[str]:
    return [job.name for job in listed.jobs]


async def _begun(held: HeldList, readings: int) -> None:
    await asyncio.to_thread(wait_for, "the reading", lambda: len(held.since) == readings, LIMIT)


async def test_who_comes_while_the_list_is_read_waits_for_the_next_reading(held: HeldList) -> None:
    known = KnownJobs(WORKSPACE, settings())
    first = asyncio.ensure_future(known.since(after(0)))
    await _begun(held, 1)
    late = [asyncio.ensure_future(known.since(after(seconds))) for seconds in (20, -40, 10)]
    await asyncio.sleep(0)
    held.let_go_on(_jobs("batchjob-1"))
    assert _names(await first) == ["batchjob-1"]
    await _begun(held, 2)
    assert not any(each.done() for each in late)
    held.let_go_on(_jobs("batchjob-1", "batchjob-2"))
    assert [_names(each) for each in await asyncio.gather(*late)] == [["batchjob-1", "batchjob-2"]] * 3
    assert held.since == [after(0), after(-40)]


async def test_each_search_sees_the_jobs_since_its_own_claim(held: HeldList) -> None:
    known = KnownJobs(WORKSPACE, settings())
    first = asyncio.ensure_future(known.since(after(0)))
    await _begun(held, 1)
    early, late = (asyncio.ensure_future(known.since(after(seconds))) for seconds in (50, 55))
    await asyncio.sleep(0)
    for _ in range(2):
        held.let_go_on(_jobs("batchjob-1"))
    assert _names(await first) == _names(await early) == ["batchjob-1"]
    assert _names(await late) == []


async def test_a_failed_reading_fails_for_all_who_wait_and_for_nobody_later(held: HeldList) -> None:
    known = KnownJobs(WORKSPACE, settings())
    first = asyncio.ensure_future(known.since(after(0)))
    await _begun(held, 1)
    later = asyncio.ensure_future(known.since(after(0)))
    await asyncio.sleep(0)
    held.let_go_on(AnswerLost("No answer."))
    with pytest.raises(AnswerLost):
        await first
    held.let_go_on(_jobs("batchjob-1"))
    assert _names(await later) == ["batchjob-1"]
    held.let_go_on(_jobs("batchjob-2"))
    assert _names(await known.since(after(0))) == ["batchjob-2"]


async def test_who_stops_waiting_stops_nobody_else(held: HeldList) -> None:
    known = KnownJobs(WORKSPACE, settings())
    impatient, patient = (asyncio.ensure_future(known.since(after(0))) for _ in range(2))
    await _begun(held, 1)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    for _ in range(2):
        held.let_go_on(_jobs("batchjob-1"))
    assert _names(await patient) == ["batchjob-1"]


async def test_what_one_event_loop_began_another_one_can_wait_for(held: HeldList) -> None:
    known = KnownJobs(WORKSPACE, settings())

    def search() -> list[str]:
        return _names(asyncio.run(known.since(after(0))))

    searches = [asyncio.ensure_future(asyncio.to_thread(search)) for _ in range(2)]
    for _ in range(2):
        held.let_go_on(_jobs("batchjob-1"))
    assert await asyncio.gather(*searches) == [["batchjob-1"]] * 2


async def test_who_waits_for_a_look_that_is_interrupted_can_look_again() -> None:
    known = KnownJobs(WORKSPACE, settings())
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang(job_name: str) -> str | None:
        begun.set()
        await never.wait()
        return None

    async def owner(job_name: str) -> str | None:
        return "r-1"

    first = asyncio.ensure_future(known.look_at(ENDPOINT_URI, JOB, hang))
    await begun.wait()
    second = asyncio.ensure_future(known.look_at(ENDPOINT_URI, JOB, owner))
    await asyncio.sleep(0)
    assert not known.knows(ENDPOINT_URI, JOB)
    first.cancel()
    with pytest.raises(RunError, match="interrupted") as error:
        await second
    assert error.value.retryable
    assert await known.look_at(ENDPOINT_URI, JOB, owner) == Owned("r-1")
    assert known.knows(ENDPOINT_URI, JOB)


async def test_a_slow_answer_does_not_make_a_young_job_one_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What counts is how old the job was when the endpoint was asked."""
    app = settings()
    clock = SimpleNamespace(
        now=lambda zone: clock.time, time=after(app.submission_settle.total_seconds() - 5)
    )

    def not_found(*_: Any) -> JobResource:
        clock.time += timedelta(seconds=10)
        raise HttpError(404, ErrorCode.NOT_FOUND, "Not here.")

    async def nobody(job_name: str) -> str | None:
        return None

    monkeypatch.setattr(known_jobs, "datetime", clock)
    monkeypatch.setattr(known_jobs, "read_job", not_found)
    known, job = KnownJobs(WORKSPACE, app), JobResource.parse(arm_job(created_at=format_timestamp(START)))
    assert isinstance(await known.look_at(ENDPOINT_URI, job, nobody), Foreign)
    assert not known.knows(ENDPOINT_URI, job)
    assert isinstance(await known.look_at(ENDPOINT_URI, job, nobody), Foreign)
    assert known.knows(ENDPOINT_URI, job)


async def test_an_answer_that_may_be_out_of_date_is_not_shared_with_later_searches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody owned the job when it was looked at, and the endpoint did not know it yet."""

    def not_found(*_: Any) -> JobResource:
        raise HttpError(404, ErrorCode.NOT_FOUND, "Not here.")

    monkeypatch.setattr(known_jobs, "read_job", not_found)
    known = KnownJobs(WORKSPACE, settings())
    young = replace(JOB, created_at=datetime.now(UTC))
    go_on = asyncio.Event()
    owners: dict[str, str] = {}

    async def owner(job_name: str) -> str | None:
        found = owners.get(job_name)
        await go_on.wait()
        return found

    looks = [asyncio.ensure_future(known.look_at(ENDPOINT_URI, young, owner))]
    await asyncio.sleep(0)
    looks += [asyncio.ensure_future(known.look_at(ENDPOINT_URI, young, owner)) for _ in range(3)]
    await asyncio.sleep(0)
    owners[young.name] = "r-1"
    go_on.set()
    first, *later = await asyncio.gather(*looks)
    assert isinstance(first, Foreign)
    assert later == [Owned("r-1")] * 3


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_jobs, "MAX_JOBS", 3)
    known = KnownJobs(WORKSPACE, settings())

    async def owner(job_name: str) -> str | None:
        return "r-1"

    jobs = _jobs(*(f"batchjob-{number}" for number in range(5))).jobs
    for job in jobs:
        await known.look_at(ENDPOINT_URI, job, owner)
    assert [known.knows(ENDPOINT_URI, job) for job in jobs] == [False, False, True, True, True]
