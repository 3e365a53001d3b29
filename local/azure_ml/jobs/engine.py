"""Moves jobs from status to status: one timer for all of them, and a few workers that score."""

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from local.azure_ml.config import Deployment, ServiceConfig
from local.azure_ml.jobs.job import (
    CANCEL_REQUESTED,
    ENDED,
    Creator,
    Job,
    JobRequest,
    entered,
    new_job,
    next_status,
    seconds_in,
)
from local.azure_ml.jobs.scoring import Scored, Scorer
from local.azure_ml.jobs.store import JobStore

_LOG = logging.getLogger(__name__)

Announce = Callable[[Job], None]
"""Called with a job whenever the status that readers see has changed."""


class NotCancelable(Exception):
    """The job is finishing or has ended."""


@dataclass(frozen=True)
class Hold:
    """Keeps jobs (one, or all) from leaving a status."""

    id: str
    phase: str
    job: str | None = None

    def keeps(self, job: Job) -> bool:
        return self.phase.lower() == job.status.lower() and self.job in (None, job.name)


class JobEngine:
    """Belongs to one event loop. A job that waits costs only an entry in a heap.

    After a restart each job continues in its status; a job in Running is scored again.
    """

    def __init__(
        self,
        config: ServiceConfig,
        store: JobStore,
        scorer: Scorer,
        announce: Announce = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._announce = announce
        self._store = store
        self._scorer = scorer
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._holds: dict[str, Hold] = {}
        self._hold_ids = itertools.count(1)
        self._due: list[tuple[float, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._to_score: asyncio.Queue[str] = asyncio.Queue()
        self._submitted: set[str] = set()
        self._scoring: set[str] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> None:
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._config.max_scoring)]
        for job in self._store.load():
            self._jobs[job.name] = job
            if not job.ended:
                self._schedule(job)

    async def stop(self) -> None:
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        for name in self._scoring:
            self._scorer.kill(name)
        for _ in self._workers:
            self._to_score.put_nowait("")
        await asyncio.gather(*self._workers)

    def create(self, deployment: Deployment, request: JobRequest, creator: Creator) -> Job:
        job = new_job(deployment, request, creator, self._config.pace, self._clock())
        self._save(job)
        _LOG.info("job %s: %s, created by %s", job.name, job.status, creator.name)
        self._schedule(job)
        return job

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def newest_first(self) -> list[Job]:
        return list(reversed(self._jobs.values()))

    def cancel(self, name: str, loses_race: bool) -> None:
        """Raises NotCancelable. With ``loses_race`` the job shows CancelRequested, but ends as without a cancel."""
        job = self._jobs[name]
        if not job.cancelable:
            raise NotCancelable(job.visible_status)
        if loses_race or job.shown == CANCEL_REQUESTED:
            self._save(replace(job, shown=CANCEL_REQUESTED))
        elif job.status != CANCEL_REQUESTED:
            self._scorer.kill(name)
            self._enter(replace(job, shown=None), CANCEL_REQUESTED)

    def show(
        self, name: str, status: str | None, error: str | None = None, error_code: str = "UserError"
    ) -> None:
        """Shows another status to readers; None shows the real one again. A final status really ends the job.

        ``error`` becomes what run history says of a job that is to fail.
        """
        job = self._jobs[name]
        if status in ENDED:
            job = replace(job, error=error, error_code=error_code) if error else job
            self._scorer.kill(name)
            self._enter(job, status)
        else:
            self._save(replace(job, shown=status))

    @property
    def holds(self) -> list[Hold]:
        return list(self._holds.values())

    def hold(self, phase: str, job: str | None) -> Hold:
        hold = Hold(f"hold-{next(self._hold_ids)}", phase, job)
        self._holds[hold.id] = hold
        return hold

    def release(self, hold_id: str) -> bool:
        hold = self._holds.pop(hold_id, None)
        if hold is None:
            return False
        for job in list(self._jobs.values()):
            if hold.keeps(job):
                self._schedule(job)
        return True

    def _save(self, job: Job) -> None:
        before = self._jobs.get(job.name)
        self._jobs[job.name] = job
        self._store.save(job)
        if before is None or before.visible_status != job.visible_status:
            self._announce(job)

    def _enter(self, job: Job, status: str) -> None:
        job = entered(job, status, self._clock())
        self._save(job)
        _LOG.info("job %s: %s%s", job.name, status, f" ({job.error})" if status == "Failed" else "")
        if not job.ended:
            self._schedule(job)

    def _schedule(self, job: Job) -> None:
        """Schedules the next step of a job: scoring, or the end of its time in its status."""
        if job.status == "Running" and job.scoring is None:
            if job.name not in self._submitted:
                self._submitted.add(job.name)
                self._to_score.put_nowait(job.name)
            return
        stay = seconds_in(job.status, self._config.pace, self._config.cancel_seconds)
        heapq.heappush(self._due, (job.entered_at + stay, job.name))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._due:
            delay = max(0.0, self._due[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            _, name = heapq.heappop(self._due)
            self._advance(self._jobs[name], now)
        self._set_timer()

    def _advance(self, job: Job, now: float) -> None:
        stay = seconds_in(job.status, self._config.pace, self._config.cancel_seconds)
        stale = job.ended or now < job.entered_at + stay
        if stale or any(hold.keeps(job) for hold in self._holds.values()):
            return
        if job.status == CANCEL_REQUESTED and job.name in self._scoring:
            return  # the worker schedules it again after the process has ended
        following = next_status(job, self._config.pace)
        if following is not None:
            self._enter(job, following)

    async def _work(self) -> None:
        while True:
            name = await self._to_score.get()
            if self._stopping:
                return
            job = self._jobs[name]
            scored = Scored()
            if job.status == "Running":
                self._scoring.add(name)
                try:
                    scored = await self._scorer.score(job)
                except Exception:
                    _LOG.exception("scoring of job %s failed inside the service", name)
                    scored = Scored("Scoring failed inside the service; its log has the traceback.")
            if self._stopping:
                return  # ``stop`` killed the process: the next start scores the job again
            self._submitted.discard(name)
            self._scoring.discard(name)
            self._scored(self._jobs[name], scored)

    def _scored(self, job: Job, scored: Scored) -> None:
        if job.status == "Running":
            job = replace(
                job, scoring="failed" if scored.error else "done", error=scored.error, rows=scored.rows
            )
            self._save(job)
        if not job.ended:
            self._schedule(job)
