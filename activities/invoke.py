"""Submits the run's job: at most once, however often this activity is delivered."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.api.request import RunRequest
from batch.azure_ml.endpoint import submit
from batch.azure_ml.identity import bearer_token
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_search import find_job
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.errors import ErrorCode, RunError
from batch.names import INVOKE
from batch.run.submission import Purpose, Submission, submission_uncertain
from batch.settings import app_settings
from task_hub.submissions import (
    Canceled,
    Claimed,
    Taken,
    claim_submission,
    lose_submission,
    read_submission,
    release_submission,
)

MAX_CLAIMS = 3

Answer = dict[str, Any]
CANCELED: Answer = {"canceled": True}
ABSENT: Answer = {"absent": True}
UNCHANGED: Answer = {"unchanged": True}

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=INVOKE)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def invoke(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes ``{run_id, request, purpose}``.

    Answers ``{job}``, ``{canceled}``, ``{absent}`` (no job, and none was to be submitted), ``{unchanged}`` (not
    canceled) or ``{error}``.
    """
    run_id, request = value["run_id"], RunRequest.model_validate(value["request"])
    try:
        match Purpose(value["purpose"]):
            case Purpose.SUBMIT:
                return await _submit(run_id, request, client)
            case Purpose.FIND:
                return await _find(run_id, request, await read_submission(client, run_id))
            case Purpose.NOTICE_CANCEL:
                mark = await read_submission(client, run_id)
                return CANCELED if mark.cancel_requested and mark.attempt is None else UNCHANGED
    except RunError as error:
        return {"error": error.to_json()}


async def _submit(run_id: str, request: RunRequest, client: df.DurableOrchestrationClient) -> Answer:
    try:
        # First, so that a claim is not held up by it, or lost over it.
        await asyncio.to_thread(bearer_token, app_settings().ml_audience)
    except RunError:
        found = await _find(run_id, request, await read_submission(client, run_id))
        if found == ABSENT:
            raise
        return found
    claim = await claim_submission(client, run_id)
    if isinstance(claim, Taken):
        found = await _find(run_id, request, claim.mark)
        if found != ABSENT:
            return found
        if claim.mark.claims >= MAX_CLAIMS:
            raise RunError(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"The endpoint was asked {claim.mark.claims} times, never answered, and created no job.",
            )
        claim = await claim_submission(client, run_id, instead_of=claim.mark.attempt)
    match claim:
        case Claimed():
            return {"job": (await _post(run_id, request, claim, client)).to_json()}
        case Canceled():
            return CANCELED
        case Taken():
            raise submission_uncertain("another delivery of this step is submitting it", retryable=True)


async def _find(run_id: str, request: RunRequest, mark: Submission) -> Answer:
    """The job that an earlier attempt left. ``ABSENT`` only if surely there is none."""
    if mark.attempt is None:
        return CANCELED if mark.cancel_requested else ABSENT
    settings, now = app_settings(), datetime.now(UTC)
    settle = settings.submission_settle
    try:
        job = await asyncio.to_thread(find_job, run_id, request, mark, settings)
    except RunError as error:
        error.retryable = error.retryable and now < mark.searched_until(settle)
        raise
    if job:
        return {"job": job.to_json()}
    unsettled = (mark.settles_at(settle) - now).total_seconds()
    if unsettled > 0:
        raise submission_uncertain("and none is listed yet", retryable=True, retry_after=unsettled)
    return CANCELED if mark.cancel_requested else ABSENT


async def _post(
    run_id: str, request: RunRequest, claim: Claimed, client: df.DurableOrchestrationClient
) -> JobResource:
    try:
        return await asyncio.to_thread(_post_in_time, run_id, request, claim)
    except RunError as error:
        if _may_have_created(error):
            await lose_submission(client, run_id, claim.attempt)
            raise submission_uncertain(
                f"as the answer to its submission was lost: {error.message}", retryable=True
            ) from None
        await release_submission(client, run_id, claim.attempt)
        raise


def _post_in_time(run_id: str, request: RunRequest, claim: Claimed) -> JobResource:
    """Looks at the clock in the thread that sends: it may have waited for its turn."""
    settings = app_settings()
    if datetime.now(UTC) >= claim.mark.may_post_until(settings.submission_settle):
        raise RunError(ErrorCode.SERVICE_UNAVAILABLE, "The claim took too long.", retryable=True)
    return submit(run_id, claim.mark.marker or claim.attempt, request, settings)


def _may_have_created(error: RunError) -> bool:
    if isinstance(error, HttpError):
        return error.status >= 500 or error.status == 408
    return isinstance(error, AnswerLost)
