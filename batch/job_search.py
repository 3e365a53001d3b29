"""Looks for the job that a lost submission may have created."""

from datetime import datetime, timedelta

from batch.contract import RunRequest
from batch.endpoint import allowed_endpoint, read_job
from batch.errors import ErrorCode, RunError
from batch.job_match import Match, matches
from batch.job_resource import JobResource
from batch.rest import HttpError
from batch.settings import Settings
from batch.submission import Submission, submission_uncertain
from batch.workspace_jobs import jobs_since

CLOCK_SKEW = timedelta(seconds=30)


def find_job(run_id: str, request: RunRequest, mark: Submission, settings: Settings) -> JobResource | None:
    """The job that the attempt of ``mark`` submitted, or None if there is none in the list.

    Raises RunError ``submission_uncertain`` when that can not be told; retryable if asking again may help.
    """
    if settings.workspace_id is None:
        raise submission_uncertain(
            "and the app setting AZURE_ML_WORKSPACE_ID, which is needed to look for it, is not set"
        )
    try:
        return _search(run_id, request, mark.claimed() - CLOCK_SKEW, settings)
    except RunError as error:
        if error.code is ErrorCode.SUBMISSION_UNCERTAIN:
            raise
        raise submission_uncertain(
            f"and looking for it failed: {error.message}", retryable=True, retry_after=error.retry_after
        ) from None


def _search(run_id: str, request: RunRequest, since: datetime, settings: Settings) -> JobResource | None:
    assert settings.workspace_id is not None
    experiment = request.experiment or allowed_endpoint(request.endpoint_uri, settings).endpoint_name
    unclear: list[str] = []
    for job in jobs_since(since, settings.workspace_id, settings):
        if experiment and job.experiment and job.experiment != experiment:
            continue
        match matches(job, run_id, request):
            case Match.OURS:
                return job
            case Match.OTHER:
                continue
        details = _as_the_endpoint_sees_it(job, request, settings)
        match matches(details, run_id, request) if details else Match.OTHER:
            case Match.OURS:
                return details
            case Match.UNCLEAR:
                unclear.append(job.name)
    if unclear:
        names = ", ".join(unclear[:5])
        raise submission_uncertain(f"it may be one of these, which can not be told apart: {names}")
    return None


def _as_the_endpoint_sees_it(job: JobResource, request: RunRequest, settings: Settings) -> JobResource | None:
    """With inputs and outputs, which ARM leaves out; None if the job is not of this endpoint."""
    try:
        return read_job(request.endpoint_uri, job.name, settings)
    except HttpError as error:
        if error.status == 404:
            return None
        raise
