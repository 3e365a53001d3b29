"""Submits the run's job: at most once, however often this activity is delivered."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from batch.contract import RunRequest
from batch.endpoint import submit
from batch.errors import ErrorCode, RunError
from batch.function_names import INVOKE
from batch.job_resource import JobResource
from batch.job_search import find_job
from batch.rest import AnswerLost, HttpError
from batch.settings import app_settings
from batch.submission import Submission
from batch.timestamps import parse_timestamp
from hub.submissions import claim_submission, release_submission

MAX_CLAIMS = 3

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=INVOKE)
@bp.durable_client_input(client_name="client")
async def invoke(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes ``{run_id, request}``; answers ``{job}``, ``{canceled: true}`` or ``{error}``."""
    try:
        job = await _submit_or_adopt(value["run_id"], RunRequest.model_validate(value["request"]), client)
    except RunError as error:
        return {"error": error.to_json()}
    return {"job": job.to_json()} if job else {"canceled": True}


async def _submit_or_adopt(
    run_id: str, request: RunRequest, client: df.DurableOrchestrationClient
) -> JobResource | None:
    """The job, or None if the run was canceled before there was one."""
    attempt, mark = await claim_submission(client, run_id)
    if mark.attempt not in (None, attempt):
        if job := await _find(run_id, request, mark):
            return job
        if mark.cancel_requested:
            return None
        if mark.claims >= MAX_CLAIMS:
            raise RunError(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"The endpoint was asked {mark.claims} times, never answered, and created no job.",
            )
        attempt, mark = await claim_submission(client, run_id, instead_of=mark.attempt)
    if mark.attempt == attempt and not mark.cancel_requested:
        return await _post(run_id, request, attempt, client)
    if mark.attempt in (None, attempt):
        return None
    raise _uncertain("another delivery of this step is submitting the job")


async def _find(run_id: str, request: RunRequest, mark: Submission) -> JobResource | None:
    """The job that an earlier attempt left, or None if surely there is none."""
    settings = app_settings()
    claimed_at = parse_timestamp(mark.claimed_at)
    assert claimed_at is not None
    job = await asyncio.to_thread(find_job, run_id, request, claimed_at, settings)
    settles_at = claimed_at + timedelta(seconds=settings.submission_settle_seconds)
    unsettled = (settles_at - datetime.now(UTC)).total_seconds()
    if job is None and unsettled > 0:
        raise _uncertain("no job of this run is listed yet", retry_after=unsettled)
    return job


async def _post(
    run_id: str, request: RunRequest, attempt: str, client: df.DurableOrchestrationClient
) -> JobResource:
    try:
        return await asyncio.to_thread(submit, run_id, request, app_settings())
    except AnswerLost as error:
        raise _uncertain(error.message) from None
    except HttpError as error:
        if error.status >= 500 or error.status == 408:
            raise _uncertain(error.message) from None
        await release_submission(client, run_id, attempt)
        raise
    except RunError:
        await release_submission(client, run_id, attempt)
        raise


def _uncertain(reason: str, retry_after: float | None = None) -> RunError:
    return RunError(
        ErrorCode.SUBMISSION_UNCERTAIN,
        f"The job may have been created: {reason}. Looking for it before anything is submitted again.",
        retryable=True,
        retry_after=retry_after,
    )
