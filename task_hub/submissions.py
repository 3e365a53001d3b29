"""The submission of a run, as the activities and the API work with it: in its row of the ledger."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import azure.durable_functions as df

from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.run.submission import Submission, submission_uncertain
from batch.timestamps import format_timestamp
from ledger.run_row import RunRow
from ledger.runs import find_row
from ledger.submissions import change_submission
from task_hub.earlier_version import adopt, with_submission_of_entity
from task_hub.ledger import ledger_of
from task_hub.runs import find_in_hub

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """This attempt, and no other, may POST while its claim is valid."""

    attempt: str
    submission: Submission


@dataclass(frozen=True, slots=True)
class Taken:
    """Another attempt holds the claim, so a job may exist."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Canceled:
    """The run was canceled before a job was submitted."""


async def row_of(client: df.DurableOrchestrationClient, run_id: str) -> RunRow:
    """The row of a run that has an orchestration. Raises RunError if the ledger or the task hub fails."""
    table = ledger_of(client)
    row = await find_row(table, run_id)
    if row is None:
        in_hub = await find_in_hub(client, run_id)
        if in_hub is None:
            raise RunError(ErrorCode.INTERNAL, f"There is no run {run_id} any more.")
        row = await adopt(client, table, in_hub)
    return await with_submission_of_entity(client, table, row) if row.earlier else row


async def claim_submission(
    client: df.DurableOrchestrationClient,
    row: RunRow,
    *,
    instead_of: str | None = None,
    resolved_inputs: Mapping[str, str] | None = None,
) -> Claimed | Taken | Canceled:
    """Claims for a new attempt, where nobody holds the claim or ``instead_of`` does.

    What an earlier claim of the run resolved is kept instead of ``resolved_inputs``.

    Raises RunError if a later job of the run was submitted, and if the ledger fails; then the claim may have taken
    effect all the same.
    """
    attempt, claimed_at, job_attempt = uuid4().hex, _now(), row.submission.job_attempt

    def claim(before: Submission) -> Submission:
        if before.job_attempt != job_attempt:
            return before
        return before.claim(attempt, claimed_at, instead_of, resolved_inputs)

    submission = await _change(client, row, claim)
    if submission.job_attempt > job_attempt:
        raise superseded()
    if submission.cancel_requested and submission.attempt in (None, attempt, instead_of):
        return Canceled()
    return Claimed(attempt, submission) if submission.attempt == attempt else Taken(submission)


async def record_lost_answer(
    client: df.DurableOrchestrationClient, row: RunRow, attempt: str, answer: str, *, refused: bool = False
) -> None:
    """Records that the answer to this attempt's POST is lost. Without it the search only takes longer."""
    lost_at = _now()
    try:
        await _change(client, row, lambda before: before.lose(attempt, lost_at, answer, refused))
    except RunError as error:
        log_event(logger, logging.WARNING, "lost_answer_not_recorded", run=row.run_id, reason=error)


async def record_search(client: df.DurableOrchestrationClient, row: RunRow, *, in_doubt: bool) -> None:
    """Records since when searches for the job end in doubt. Without it they go on for longer."""
    at, attempt = _now(), row.submission.attempt

    def search(before: Submission) -> Submission:
        return before.searched(at, in_doubt=in_doubt) if before.attempt == attempt else before

    if search(row.submission) == row.submission:
        return
    try:
        await _change(client, row, search)
    except RunError as error:
        log_event(logger, logging.WARNING, "search_not_recorded", run=row.run_id, reason=error)


async def release_submission(client: df.DurableOrchestrationClient, row: RunRow, attempt: str) -> None:
    """Gives back a claim whose request provably created no job. Raises RunError if the ledger fails."""
    await _change(client, row, lambda before: before.release(attempt))


async def cancel_submission(client: df.DurableOrchestrationClient, run_id: str) -> None:
    """Records that the run is to be canceled. Raises RunError if the ledger fails."""
    await _change(client, await row_of(client, run_id), Submission.cancel)


def superseded() -> RunError:
    """Why a late delivery of the step that submits does nothing. Nobody waits for its answer."""
    return submission_uncertain("because a later job of the run was submitted")


async def _change(
    client: df.DurableOrchestrationClient, row: RunRow, change: Callable[[Submission], Submission]
) -> Submission:
    return await change_submission(ledger_of(client), row, change)


def _now() -> str:
    return format_timestamp(datetime.now(UTC))
