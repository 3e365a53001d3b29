"""Submits the run's job: at most once, however often this activity is delivered."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch import thread_pools
from batch.azure_ml.data_assets import resolved_inputs
from batch.azure_ml.endpoint import read_job, submit
from batch.azure_ml.identity import bearer_token
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_search import Owners, find_job
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.names import INVOKE
from batch.run.request import RunRequest
from batch.run.search_result import SearchAgain, after_search, before_next_post, why_no_job
from batch.run.steps import Failure, Invoke, Invoked, InvokeMode, Job
from batch.run.submission import Submission, submission_uncertain
from batch.settings import app_settings
from ledger.job_owners import owner_of
from ledger.run_row import RunRow
from task_hub.job_owners import own_job
from task_hub.ledger import ledger_of
from task_hub.submissions import (
    Canceled,
    Claimed,
    Taken,
    claim_submission,
    record_lost_answer,
    record_search,
    release_submission,
    row_of,
    superseded,
)

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=INVOKE)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def invoke(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes an Invoke and answers with an Invoked."""
    asked = Invoke.from_json(value)
    try:
        answer = await _invoke(asked, await row_of(client, asked.run_id), client)
    except RunError as error:
        answer = Invoked.failed(error)
    return answer.to_json()


async def _invoke(asked: Invoke, row: RunRow, client: df.DurableOrchestrationClient) -> Invoked:
    if row.submission.job_attempt > asked.job_attempt:
        raise superseded()
    row = row.of_job(asked.job_attempt)
    match asked.purpose:
        case InvokeMode.SUBMIT:
            return await _submit(row, asked, client)
        case InvokeMode.FIND:
            return _with_last_answer(await _find(row, asked, client), row.submission)
        case InvokeMode.CHECK_FOR_CANCEL:
            canceled = row.submission.cancel_requested and row.submission.attempt is None
            return Invoked(canceled=True) if canceled else Invoked(unchanged=True)


async def _submit(row: RunRow, asked: Invoke, client: df.DurableOrchestrationClient) -> Invoked:
    try:
        # Before the claim, so that slow or failing requests for a token or an asset do not use up the claim's time.
        await thread_pools.azure_ml.run(bearer_token, app_settings().ml_audience)
        resolved = await _resolve(row, asked.request)
    except RunError:
        found = await _find(row, asked, client)
        if found.absent:
            raise
        return found
    claim = await claim_submission(client, row, resolved_inputs=resolved)
    if isinstance(claim, Taken):
        taken = claim.submission
        found = await _find(replace(row, submission=taken, etag=""), asked, client)
        if not found.absent:
            return found
        if failure := before_next_post(taken, datetime.now(UTC), app_settings().submission_settle):
            raise failure
        claim = await claim_submission(
            client, replace(row, etag=""), instead_of=taken.attempt, resolved_inputs=resolved
        )
    match claim:
        case Claimed():
            return await _post(replace(row, etag=""), asked.request, claim, client)
        case Canceled():
            return Invoked(canceled=True)
        case Taken():
            raise submission_uncertain("because another delivery of this step submits it", retryable=True)


async def _resolve(row: RunRow, request: RunRequest) -> Mapping[str, str]:
    """What the run's first attempt to submit has found is kept, also if it sent all inputs as they were given."""
    submission = row.submission
    if submission.resolved_inputs or submission.attempt is not None:
        return submission.resolved_inputs
    return await thread_pools.azure_ml.run(resolved_inputs, request, app_settings())


async def _find(row: RunRow, asked: Invoke, client: df.DurableOrchestrationClient) -> Invoked:
    """The job that an earlier attempt created. ``absent`` only if there is provably none."""
    submission = row.submission
    if submission.attempt is None:
        return _without_job(row)
    settings, asked_at = app_settings(), datetime.now(UTC)
    request = asked.request.with_inputs(submission.resolved_inputs)
    owners = Owners(find=partial(owner_of, ledger_of(client)), own=partial(own_job, client, row))
    found = await find_job(asked.model_copy(update={"request": request}), submission, settings, owners)
    if row.job and row.job not in asked.earlier_jobs and not isinstance(found, JobResource):
        found = await _job_of_row(row, request) or found
    if isinstance(found, JobResource):
        return _submitted(found.of_run(), submission)
    if found:
        await record_search(client, row, in_doubt=found.again is SearchAgain.FOR_A_WHILE)
    if failure := after_search(submission, found, asked_at, settings.submission_settle):
        raise failure
    return _without_job(row)


async def _job_of_row(row: RunRow, request: RunRequest) -> JobResource | None:
    """The job that an attempt noted in the row before it was killed; None if the endpoint has no such job."""
    try:
        return await thread_pools.azure_ml.run(read_job, request.endpoint_uri, row.job, app_settings())
    except RunError as error:
        if isinstance(error, HttpError) and error.status == HTTPStatus.NOT_FOUND:
            return None
        raise submission_uncertain(
            f"because {row.job} belongs to the run, but cannot be read: {error.message}",
            retryable=True,
            retry_after=error.retry_after,
        ) from None


def _with_last_answer(found: Invoked, submission: Submission) -> Invoked:
    """The run ends without a job: it says what the service answered last, if that was the answer to a lost POST."""
    failure = why_no_job(submission) if found.absent and submission.attempt else None
    return Invoked(absent=True, error=Failure.of(failure)) if failure else found


def _without_job(row: RunRow) -> Invoked:
    return Invoked(canceled=True) if row.submission.cancel_requested else Invoked(absent=True)


def _submitted(job: Job, submission: Submission) -> Invoked:
    return Invoked(job=job, resolved_inputs=dict(submission.resolved_inputs))


async def _post(
    row: RunRow, request: RunRequest, claim: Claimed, client: df.DurableOrchestrationClient
) -> Invoked:
    request = request.with_inputs(claim.submission.resolved_inputs)
    try:
        job = await thread_pools.azure_ml.run(_post_in_time, row.run_id, request, claim)
    except RunError as error:
        if _may_have_created(error):
            refused = isinstance(error, HttpError) and error.is_user_error
            await record_lost_answer(client, row, claim.attempt, error.message, refused=refused)
            raise submission_uncertain(
                "because no answer says whether it was created", retryable=True, last_answer=error.message
            ) from None
        await release_submission(client, row, claim.attempt)
        raise
    try:
        owned = await own_job(client, row, job.name)
    except RunError as error:
        # The job is there and must be followed. Until a check records the owner, events do not wake the run.
        log_event(logger, logging.WARNING, "owner_not_recorded", run=row.run_id, job=job.name, reason=error)
    else:
        if not owned:
            log_event(logger, logging.WARNING, "job_of_two_runs", run=row.run_id, job=job.name)
    return _submitted(job, claim.submission)


def _post_in_time(run_id: str, request: RunRequest, claim: Claimed) -> Job:
    """Reads the clock last, in the thread that sends: it may have waited for a thread, or for a token."""
    settings = app_settings()
    bearer_token(settings.ml_audience)
    if datetime.now(UTC) >= claim.submission.may_post_until(settings.submission_settle):
        raise RunError(ErrorCode.SERVICE_UNAVAILABLE, "The claim took too long.", retryable=True)
    return submit(run_id, claim.submission.marker or claim.attempt, request, settings).of_run()


def _may_have_created(error: RunError) -> bool:
    if isinstance(error, HttpError):
        # A redirect may lead to what was created.
        return error.status < 400 or error.status >= 500 or error.status == 408
    return isinstance(error, AnswerLost)
