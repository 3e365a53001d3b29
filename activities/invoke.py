"""Submits the run's job: at most once, however often this activity is delivered."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.azure_ml.endpoint import submit
from batch.azure_ml.identity import bearer_token
from batch.azure_ml.job_search import find_job
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.errors import ErrorCode, RunError
from batch.names import INVOKE
from batch.run.request import RunRequest
from batch.run.steps import Invoke, Invoked, InvokeMode, Job
from batch.run.submission import Submission, submission_uncertain
from batch.settings import app_settings
from task_hub.submissions import (
    Canceled,
    Claimed,
    Taken,
    claim_submission,
    read_submission,
    record_lost_answer,
    release_submission,
)

MAX_CLAIMS = 3
"""An endpoint that never answered three POSTs and created no job is broken: a fourth POST would not help."""

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=INVOKE)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def invoke(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes an Invoke and answers with an Invoked."""
    try:
        answer = await _invoke(Invoke.from_json(value), client)
    except RunError as error:
        answer = Invoked.failed(error)
    return answer.to_json()


async def _invoke(asked: Invoke, client: df.DurableOrchestrationClient) -> Invoked:
    match asked.purpose:
        case InvokeMode.SUBMIT:
            return await _submit(asked.run_id, asked.request, client)
        case InvokeMode.FIND:
            submission = await read_submission(client, asked.run_id)
            return await _find(asked.run_id, asked.request, submission)
        case InvokeMode.CHECK_FOR_CANCEL:
            submission = await read_submission(client, asked.run_id)
            canceled = submission.cancel_requested and submission.attempt is None
            return Invoked(canceled=True) if canceled else Invoked(unchanged=True)


async def _submit(run_id: str, request: RunRequest, client: df.DurableOrchestrationClient) -> Invoked:
    try:
        # Before the claim, so that a slow or failing token request does not use up the claim's time.
        await asyncio.to_thread(bearer_token, app_settings().ml_audience)
    except RunError:
        found = await _find(run_id, request, await read_submission(client, run_id))
        if found.absent:
            raise
        return found
    claim = await claim_submission(client, run_id)
    if isinstance(claim, Taken):
        found = await _find(run_id, request, claim.submission)
        if not found.absent:
            return found
        claims = claim.submission.claims
        if claims >= MAX_CLAIMS:
            raise RunError(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"The endpoint was asked {claims} times, never answered, and created no job.",
            )
        claim = await claim_submission(client, run_id, instead_of=claim.submission.attempt)
    match claim:
        case Claimed():
            return Invoked(job=await _post(run_id, request, claim, client))
        case Canceled():
            return Invoked(canceled=True)
        case Taken():
            raise submission_uncertain("because another delivery of this step submits it", retryable=True)


async def _find(run_id: str, request: RunRequest, submission: Submission) -> Invoked:
    """The job that an earlier attempt created. ``absent`` only if there is provably none."""
    if submission.attempt is None:
        return _without_job(submission)
    settings, now = app_settings(), datetime.now(UTC)
    settle = settings.submission_settle
    try:
        job = await asyncio.to_thread(find_job, run_id, request, submission, settings)
    except RunError as error:
        in_time = now < submission.searched_until(settle)
        raise RunError(
            error.code,
            error.message,
            retryable=error.retryable and in_time,
            retry_after=error.retry_after,
        ) from None
    if job:
        return Invoked(job=job.of_run())
    unsettled = (submission.settles_at(settle) - now).total_seconds()
    if unsettled > 0:
        raise submission_uncertain("and none is listed yet", retryable=True, retry_after=unsettled)
    return _without_job(submission)


def _without_job(submission: Submission) -> Invoked:
    return Invoked(canceled=True) if submission.cancel_requested else Invoked(absent=True)


async def _post(
    run_id: str, request: RunRequest, claim: Claimed, client: df.DurableOrchestrationClient
) -> Job:
    try:
        return await asyncio.to_thread(_post_in_time, run_id, request, claim)
    except RunError as error:
        if _may_have_created(error):
            await record_lost_answer(client, run_id, claim.attempt)
            raise submission_uncertain(
                f"because the answer to its submission was lost: {error.message}", retryable=True
            ) from None
        await release_submission(client, run_id, claim.attempt)
        raise


def _post_in_time(run_id: str, request: RunRequest, claim: Claimed) -> Job:
    """Reads the clock in the thread that sends: the thread may have waited for a free place in the pool."""
    settings = app_settings()
    if datetime.now(UTC) >= claim.submission.may_post_until(settings.submission_settle):
        raise RunError(ErrorCode.SERVICE_UNAVAILABLE, "The claim took too long.", retryable=True)
    return submit(run_id, claim.submission.marker or claim.attempt, request, settings).of_run()


def _may_have_created(error: RunError) -> bool:
    if isinstance(error, HttpError):
        return error.status >= 500 or error.status == 408
    return isinstance(error, AnswerLost)
