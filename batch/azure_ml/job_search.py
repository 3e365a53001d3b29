"""Searches for the job that a submission without an answer may have created."""

import logging
from datetime import UTC, datetime, timedelta

from batch.azure_ml.endpoint import allowed_endpoint, read_job
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_match import Match, is_tagged, matches
from batch.azure_ml.rest import HttpError
from batch.azure_ml.workspace_jobs import jobs_since
from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.run.request import RunRequest
from batch.run.submission import Submission, submission_uncertain
from batch.settings import Settings

CLOCK_SKEW = timedelta(seconds=30)
"""How much the clocks of Azure ML and of this app may differ."""

logger = logging.getLogger(__name__)


def find_job(
    run_id: str,
    request: RunRequest,
    submission: Submission,
    settings: Settings,
    of_others: frozenset[str] = frozenset(),
) -> JobResource | None:
    """The job that an attempt of ``submission`` created, or None if there is none in the list.

    ``of_others`` are names of jobs that belong to other runs.

    Raises RunError ``submission_uncertain`` if the search cannot decide; retryable if another one may.
    """
    if settings.workspace_id is None:
        raise submission_uncertain(
            "and the app setting AZURE_ML_WORKSPACE_ID, which the search needs, is not set"
        )
    try:
        return _search(run_id, request, submission, settings, of_others)
    except RunError as error:
        if error.code is ErrorCode.SUBMISSION_UNCERTAIN:
            raise
        raise submission_uncertain(
            f"and the search for it failed: {error.message}", retryable=True, retry_after=error.retry_after
        ) from None


def _search(
    run_id: str, request: RunRequest, submission: Submission, settings: Settings, of_others: frozenset[str]
) -> JobResource | None:
    assert settings.workspace_id is not None
    experiments = _possible_experiments(request, settings)
    ours: list[JobResource] = []
    unclear: list[str] = []
    for job in jobs_since(submission.claimed_at_utc() - CLOCK_SKEW, settings.workspace_id, settings):
        if job.name in of_others or (not is_tagged(job) and _is_of_another(job.experiment, experiments)):
            continue
        match = matches(job, run_id, submission.marker, request)
        if match is Match.UNCLEAR:
            details = _as_the_endpoint_sees_it(job, request, settings)
            match = matches(details, run_id, submission.marker, request) if details else Match.OTHER
            job = details or job
        if match is Match.OURS:
            ours.append(job)
        elif match is Match.UNCLEAR:
            unclear.append(job.name)
    if ours:
        return _first_created(run_id, ours)
    if unclear:
        names = ", ".join(unclear[:5])
        raise submission_uncertain(f"it may be one of these jobs, which look alike: {names}")
    return None


def _possible_experiments(request: RunRequest, settings: Settings) -> set[str]:
    """Names in lower case; empty if the experiment says nothing about the endpoint.

    A job's experiment is named like its endpoint. Only a pipeline component deployment takes the request's name.
    """
    endpoint_name = allowed_endpoint(request.endpoint_uri, settings).endpoint_name
    if endpoint_name is None:
        return set()
    return {name.casefold() for name in (endpoint_name, request.experiment) if name}


def _is_of_another(experiment: str | None, possible: set[str]) -> bool:
    return experiment is not None and bool(possible) and experiment.casefold() not in possible


def _first_created(run_id: str, ours: list[JobResource]) -> JobResource:
    """Azure ML has been seen to create several jobs from one request. The first likely gets the output."""
    first, *others = sorted(ours, key=lambda job: job.created_at or datetime.max.replace(tzinfo=UTC))
    if others:
        names = ", ".join(job.name for job in others)
        log_event(logger, logging.WARNING, "jobs_beside", run=run_id, job=first.name, others=names)
    return first


def _as_the_endpoint_sees_it(job: JobResource, request: RunRequest, settings: Settings) -> JobResource | None:
    """The job with inputs and outputs, which ARM leaves out; None if it is not a job of this endpoint."""
    try:
        return read_job(request.endpoint_uri, job.name, settings)
    except HttpError as error:
        if error.status == 404:
            return None
        raise
