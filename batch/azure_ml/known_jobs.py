"""What this process has learnt of the jobs of its workspace: each search uses what others have found out."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from threading import Lock
from typing import TypeVar

from batch import thread_pools
from batch.addresses import WorkspaceId
from batch.azure_ml.endpoint import read_job
from batch.azure_ml.job import JobResource
from batch.azure_ml.rest import HttpError
from batch.azure_ml.shared_list import SharedList
from batch.azure_ml.workspace_jobs import JobList, jobs_since
from batch.errors import ErrorCode, RunError
from batch.settings import Settings

MAX_JOBS = 10_000
"""Jobs that are remembered: some megabytes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Owned:
    """The ledger gives the job to this run."""

    run_id: str


class Foreign:
    """The endpoint has no such job."""


Known = Owned | Foreign | JobResource
"""A JobResource is the job as its endpoint shows it, with inputs and outputs."""

_Key = tuple[str, str]
"""The URI of the endpoint and the name of the job."""

FindOwner = Callable[[str], Awaitable[str | None]]
"""The id of the run that owns the job of this name, or None. Raises RunError."""


class KnownJobs:
    """Inputs, outputs and tags of a job do not change, nor does its owner: what is known stays true."""

    def __init__(self, workspace_id: WorkspaceId, settings: Settings) -> None:
        self._settings = settings
        self._list = SharedList(partial(jobs_since, workspace_id=workspace_id, settings=settings))
        self._looks: OrderedDict[_Key, Future[Known]] = OrderedDict()
        self._failures: OrderedDict[_Key, int] = OrderedDict()
        self._last_failure = 0
        self._lock = Lock()

    async def since(self, moment: datetime) -> JobList:
        """The jobs created at ``moment`` or later, from a reading that begins after this call. Raises RunError."""
        return (await _result(self._list.since(moment))).since(moment)

    def knows(self, endpoint_uri: str, job: JobResource) -> bool:
        """Whether ``look_at`` needs no call."""
        with self._lock:
            look = self._looks.get((endpoint_uri, job.name))
        return look is not None and look.done()

    def last_failure(self, endpoint_uri: str, job: JobResource) -> int:
        """Of two jobs, the one whose look failed later has the greater number; 0 if the last look did not fail."""
        with self._lock:
            return self._failures.get((endpoint_uri, job.name), 0)

    async def look_at(self, endpoint_uri: str, job: JobResource, find_owner: FindOwner) -> Known:
        """What the listed job is. Searches that ask at the same time share the answer. Raises RunError.

        An answer that may change is shared only if it was asked for after this call.
        """
        key = (endpoint_uri, job.name)
        look, is_first = self._begin(key)
        if not is_first:
            known = await _result(look)
            if self._is_kept(key, look):
                return known
            look, is_first = self._begin(key)
            if not is_first:
                return await _result(look)
        asked_at = datetime.now(UTC)
        try:
            known = await self._find_out(endpoint_uri, job, find_owner)
            lasts = self._lasts(known, job, asked_at)
        except BaseException as error:
            self._note_failure(key)
            look.set_exception(error if isinstance(error, RunError) else _interrupted(job))
            raise
        self._note_success(key, lasts=lasts)
        look.set_result(known)
        return known

    def is_owned(self, endpoint_uri: str, job: JobResource, run_id: str) -> None:
        """Somebody has found out that the job has this owner by now."""
        look: Future[Known] = Future()
        look.set_result(Owned(run_id))
        with self._lock:
            self._looks[endpoint_uri, job.name] = look

    def _begin(self, key: _Key) -> tuple[Future[Known], bool]:
        with self._lock:
            if look := self._looks.get(key):
                return look, False
            look = self._looks[key] = Future()
            # So that nobody who stops waiting cancels it for the others.
            look.set_running_or_notify_cancel()
            if len(self._looks) > MAX_JOBS:
                self._looks.popitem(last=False)
            return look, True

    def _is_kept(self, key: _Key, look: Future[Known]) -> bool:
        with self._lock:
            return self._looks.get(key) is look

    def _note_failure(self, key: _Key) -> None:
        with self._lock:
            self._looks.pop(key, None)
            self._failures.pop(key, None)
            self._last_failure += 1
            self._failures[key] = self._last_failure
            if len(self._failures) > MAX_JOBS:
                self._failures.popitem(last=False)

    def _note_success(self, key: _Key, *, lasts: bool) -> None:
        with self._lock:
            self._failures.pop(key, None)
            if not lasts:
                self._looks.pop(key, None)

    async def _find_out(self, endpoint_uri: str, job: JobResource, find_owner: FindOwner) -> Known:
        if owner := await find_owner(job.name):
            return Owned(owner)
        try:
            return await thread_pools.azure_ml.run(read_job, endpoint_uri, job.name, self._settings)
        except HttpError as error:
            if error.status == 404:
                return Foreign()
            raise

    def _lasts(self, known: Known, listed: JobResource, asked_at: datetime) -> bool:
        """For a moment a young job may be unknown to the endpoint, or known without its data."""
        match known:
            case Owned():
                return True
            case Foreign():
                settled_since = asked_at - self._settings.submission_settle
                return listed.created_at is not None and listed.created_at <= settled_since
            case JobResource():
                return known.input_uris is not None


@lru_cache(maxsize=1)
def known_jobs(workspace_id: WorkspaceId, settings: Settings) -> KnownJobs:
    """Those of this process."""
    return KnownJobs(workspace_id, settings)


def _interrupted(job: JobResource) -> RunError:
    return RunError(ErrorCode.SERVICE_UNAVAILABLE, f"The look at {job.name} was interrupted.", retryable=True)


async def _result(shared: Future[T]) -> T:
    return shared.result() if shared.done() else await asyncio.wrap_future(shared)
