"""Submits the run's job: at most once, however often this activity is delivered."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch import thread_pools
from batch.azure_ml.endpoint import submit
from batch.azure_ml.identity import bearer_token
from batch.azure_ml.job_search import find_job
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.names import INVOKE
from batch.run.request import RunRequest
from batch.run.steps import Invoke, Invoked, InvokeMode, Job
from batch.run.submission import submission_uncertain
from batch.settings import app_settings
from ledger.run_row import RunRow
from task_hub.job_owners import own_job
from task_hub.submissions import (
    Canceled,
    Claimed,
    Taken,
    claim_submission,
    record_lost_answer,
    release_submission,
    row_of,
)

MAX_CLAIMS = 3
"""An endpoint that never answered three POSTs and created no job is broken: a fourth POST would not help."""

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=INVOKE)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def invoke(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes an Invoke and answers with an Invoked."""
    asked = Invoke.from_json(value)
    try:
        answer = await _invoke(asked.purpose, await row_of(client, asked.run_id), asked.request, client)
    except RunError as error:
        answer = Invoked.failed(error)
    return answer.to_json()


async def _invoke(
    mode: InvokeMode, row: RunRow, request: RunRequest, client: df.DurableOrchestrationClient
) -> Invoked:
    match mode:
        case InvokeMode.SUBMIT:
            return await _submit(row, request, client)
        case InvokeMode.FIND:
            return await _find(row, request, client)
        case InvokeMode.CHECK_FOR_CANCEL:
            canceled = row.submission.cancel_requested and row.submission.attempt is None
            return Invoked(canceled=True) if canceled else Invoked(unchanged=True)


async def _submit(row: RunRow, request: RunRequest, client: df.DurableOrchestrationClient) -> Invoked:
    try:
        # Before the claim, so that a slow or failing token request does not use up the claim's time.
        await thread_pools.azure_ml.run(bearer_token, app_settings().ml_audience)
    except RunError:
        found = await _find(row, request, client)
        if found.absent:
            raise
        return found
    claim = await claim_submission(client, row)
    if isinstance(claim, Taken):
        taken = claim.submission
        found = await _find(replace(row, submission=taken, etag=""), request, client)
        if not found.absent:
            return found
        if taken.claims >= MAX_CLAIMS:
            raise RunError(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"The endpoint was asked {taken.claims} times, never answered, and created no job.",
            )
        claim = await claim_submission(client, replace(row, etag=""), instead_of=taken.attempt)
    match claim:
        case Claimed():
            return Invoked(job=await _post(replace(row, etag=""), request, claim, client))
        case Canceled():
            return Invoked(canceled=True)
        case Taken():
            raise submission_uncertain("because another delivery of this step submits it", retryable=True)


async def _find(row: RunRow, request: RunRequest, client: df.DurableOrchestrationClient) -> Invoked:
    """The job that an earlier attempt created. ``absent`` only if there is provably none."""
    submission = row.submission
    if submission.attempt is None:
        return _without_job(row)
    settings, now = app_settings(), datetime.now(UTC)
    settle = settings.submission_settle
    try:
        job = await _search(row, request, client)
    except RunError as error:
        in_time = now < submission.searched_until(settle)
        raise RunError(
            error.code,
            error.message,
            retryable=error.retryable and in_time,
            retry_after=error.retry_after,
        ) from None
    if job:
        return Invoked(job=job)
    unsettled = (submission.settles_at(settle) - now).total_seconds()
    if unsettled > 0:
        raise submission_uncertain("and none is listed yet", retryable=True, retry_after=unsettled)
    return _without_job(row)


async def _search(row: RunRow, request: RunRequest, client: df.DurableOrchestrationClient) -> Job | None:
    """A job that looks like the run's own and belongs to another run is passed over."""
    of_others: set[str] = set()
    while job := await thread_pools.azure_ml.run(
        find_job, row.run_id, request, row.submission, app_settings(), frozenset(of_others)
    ):
        if await own_job(client, row, job.name):
            return job.of_run()
        of_others.add(job.name)
    return None


def _without_job(row: RunRow) -> Invoked:
    return Invoked(canceled=True) if row.submission.cancel_requested else Invoked(absent=True)


async def _post(
    row: RunRow, request: RunRequest, claim: Claimed, client: df.DurableOrchestrationClient
) -> Job:
    try:
        job = await thread_pools.azure_ml.run(_post_in_time, row.run_id, request, claim)
    except RunError as error:
        if _may_have_created(error):
            await record_lost_answer(client, row, claim.attempt)
            raise submission_uncertain(
                f"because the answer to its submission was lost: {error.message}", retryable=True
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
    return job


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
