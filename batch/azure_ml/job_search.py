"""Searches for the job that a submission without an answer may have created."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from batch.azure_ml.endpoint import allowed_endpoint
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_match import Match, is_tagged, matches
from batch.azure_ml.known_jobs import FindOwner, Foreign, Known, KnownJobs, Owned, known_jobs
from batch.azure_ml.rest import HttpError
from batch.azure_ml.workspace_jobs import JobList, Unreadable
from batch.errors import RunError
from batch.log import log_event
from batch.run.request import RunRequest
from batch.run.search_result import SearchAgain, Undecided
from batch.run.steps import Invoke
from batch.run.submission import Submission
from batch.settings import Settings

CLOCK_SKEW = timedelta(seconds=30)
"""How much the clocks of Azure ML and of this app may differ."""

MAX_FAILED_LOOKS = 3
"""In a row. Then this search asks for no further job: each read may take a minute to fail."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owners:
    """Which job belongs to which run. Each call takes the name of a job and raises RunError if the ledger fails.

    ``find`` gives the id of the run, or None. ``own`` says whether the job belongs to the run of the search, because
    no other run came first.
    """

    find: FindOwner
    own: Callable[[str], Awaitable[bool]]


async def find_job(
    asked: Invoke, submission: Submission, settings: Settings, owners: Owners
) -> JobResource | Undecided | None:
    """The job that an attempt of ``submission`` created, or None if there is none in the list."""
    if settings.workspace_id is None:
        return Undecided(
            "and the app setting AZURE_ML_WORKSPACE_ID, which the search needs, is not set", SearchAgain.NEVER
        )
    known = known_jobs(settings.workspace_id, settings)
    try:
        experiments = _possible_experiments(asked.request, settings)
        listed = await known.since(submission.claimed_at_utc() - CLOCK_SKEW)
        return await _Search(asked, submission.marker, owners, known).of(listed, experiments)
    except RunError as error:
        return Undecided(
            f"and the search for it failed: {error.message}", _again_after(error), error.retry_after
        )


class _Search:
    """``unclear`` are jobs that look like the run's own, ``unread`` why others could not be read."""

    def __init__(self, asked: Invoke, job_tag: str | None, owners: Owners, known: KnownJobs) -> None:
        self._run_id = asked.run_id
        self._request = asked.request
        self._earlier_jobs = frozenset(asked.earlier_jobs)
        self._job_tag = job_tag
        self._owners = owners
        self._known = known
        self._unclear: list[str] = []
        self._unread: list[RunError] = []
        self._failed_in_a_row = 0

    async def of(self, listed: JobList, experiments: set[str]) -> JobResource | Undecided | None:
        # The run's own job was created right after the claim.
        others = [job for job in listed.jobs if job.name not in self._earlier_jobs]
        jobs = sorted(others, key=lambda job: job.created_at or datetime.max.replace(tzinfo=UTC))
        tagged = [job for job in jobs if is_tagged(job) and self._match(job) is Match.OURS]
        for job in tagged:
            if await self._owners.own(job.name):
                self._log_others(job, tagged)
                return job
        possible = [job for job in jobs if not is_tagged(job) and _is_possible(job, experiments)]
        # A search stops after some failed looks: jobs that can never be read must not come first in each try.
        for job in sorted(possible, key=partial(self._known.last_failure, self._request.endpoint_uri)):
            if await self._is_ours(job):
                # Its status is that of the list: what is known may be older.
                return job
        entries = [entry for entry in listed.unreadable if _is_possible(entry, experiments)]
        return self._why_undecided(entries)

    async def _is_ours(self, job: JobResource) -> bool:
        try:
            match = await self._match_untagged(job)
        except RunError as error:
            self._unread.append(error)
            return False
        if match is Match.UNCLEAR:
            self._unclear.append(job.name)
        return match is Match.OURS

    async def _match_untagged(self, job: JobResource) -> Match:
        """Raises RunError."""
        known = await self._look_at(job)
        if isinstance(known, Owned):
            return Match.OURS if known.run_id == self._run_id else Match.OTHER
        match = Match.OTHER if isinstance(known, Foreign) else self._match(known)
        if match is Match.OURS and not await self._owners.own(job.name):
            return Match.OTHER
        if match is Match.UNCLEAR and (owner := await self._owners.find(job.name)):
            # It had no owner yet when it was looked at.
            self._known.is_owned(self._request.endpoint_uri, job, owner)
            return Match.OURS if owner == self._run_id else Match.OTHER
        return match

    async def _look_at(self, job: JobResource) -> Known:
        """Raises RunError."""
        endpoint_uri = self._request.endpoint_uri
        if self._known.knows(endpoint_uri, job):
            return await self._known.look_at(endpoint_uri, job, self._owners.find)
        if self._failed_in_a_row >= MAX_FAILED_LOOKS:
            raise self._unread[-1]
        self._failed_in_a_row += 1
        known = await self._known.look_at(endpoint_uri, job, self._owners.find)
        self._failed_in_a_row = 0
        return known

    def _match(self, job: JobResource) -> Match:
        return matches(job, self._run_id, self._job_tag, self._request)

    def _why_undecided(self, entries: list[Unreadable]) -> Undecided | None:
        if self._unread:
            first = next((error for error in self._unread if _passes(error)), self._unread[0])
            return Undecided(
                f"and {len(self._unread)} of the listed jobs could not be read: {first.message}",
                _again_after(first),
                max((error.retry_after or 0 for error in self._unread), default=0) or None,
            )
        if entries:
            return Undecided(
                f"and {len(entries)} of the listed jobs could not be read: {entries[0].reason}",
                SearchAgain.FOR_A_WHILE,
            )
        if self._unclear:
            names = ", ".join(self._unclear[:5])
            return Undecided(
                f"it may be one of these jobs, which look alike: {names}", SearchAgain.FOR_A_WHILE
            )
        return None

    def _log_others(self, job: JobResource, tagged: list[JobResource]) -> None:
        """Azure ML has been seen to create several jobs from one request. The first likely gets the output."""
        if others := ", ".join(other.name for other in tagged if other is not job):
            log_event(logger, logging.WARNING, "jobs_beside", run=self._run_id, job=job.name, others=others)


def _possible_experiments(request: RunRequest, settings: Settings) -> set[str]:
    """Names in lower case; empty if the experiment says nothing about the endpoint.

    A job's experiment is named like its endpoint. Only a pipeline component deployment takes the request's name.
    """
    endpoint_name = allowed_endpoint(request.endpoint_uri, settings).endpoint_name
    if endpoint_name is None:
        return set()
    return {name.casefold() for name in (endpoint_name, request.experiment) if name}


def _is_possible(entry: JobResource | Unreadable, experiments: set[str]) -> bool:
    experiment = entry.experiment
    return not experiments or not isinstance(experiment, str) or experiment.casefold() in experiments


def _again_after(error: RunError) -> SearchAgain:
    return SearchAgain.UNTIL_TIMEOUT if _passes(error) else SearchAgain.FOR_A_WHILE


def _passes(error: RunError) -> bool:
    return error.retryable and not (isinstance(error, HttpError) and error.is_user_error)
