"""How a client function works with the submission entity.

A signal is accepted long before it is processed, so each call here waits until its effect can be read. Otherwise
a process that is killed in between could leave a job without a record of its submission.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import azure.durable_functions as df

from batch.errors import ErrorCode, RunError
from batch.names import (
    SUBMISSION,
    SUBMISSION_CANCEL,
    SUBMISSION_CLAIM,
    SUBMISSION_LOSE,
    SUBMISSION_RELEASE,
)
from batch.run.submission import Submission
from batch.timestamps import format_timestamp

CLAIM_VISIBLE_WITHIN = 120.0
CHANGE_VISIBLE_WITHIN = 30.0
"""Seconds. In a burst of starts the claims of all of them wait in one queue."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5


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


async def read_submission(client: df.DurableOrchestrationClient, run_id: str) -> Submission:
    answer = await client.read_entity_state(_entity(run_id))
    return Submission.from_json(answer.entity_state if answer.entity_exists else None)


async def claim_submission(
    client: df.DurableOrchestrationClient, run_id: str, instead_of: str | None = None
) -> Claimed | Taken | Canceled:
    """Claims for a new attempt, where nobody holds the claim or ``instead_of`` does.

    Raises RunError if the submission does not change in time; the claim may still take effect.
    """
    attempt = uuid4().hex
    claim = {"attempt": attempt, "claimed_at": _now(), "instead_of": instead_of}
    await client.signal_entity(_entity(run_id), SUBMISSION_CLAIM, claim)
    submission = await _until(
        client,
        run_id,
        lambda submission: submission.cancel_requested or submission.attempt not in (None, instead_of),
        CLAIM_VISIBLE_WITHIN,
    )
    if submission.attempt not in (None, attempt, instead_of):
        return Taken(submission)
    return Canceled() if submission.cancel_requested else Claimed(attempt, submission)


async def record_lost_answer(client: df.DurableOrchestrationClient, run_id: str, attempt: str) -> None:
    """Records that the answer to this attempt's POST is lost. Without it the search only takes longer."""
    await client.signal_entity(_entity(run_id), SUBMISSION_LOSE, {"attempt": attempt, "lost_at": _now()})


async def release_submission(client: df.DurableOrchestrationClient, run_id: str, attempt: str) -> None:
    """Gives back a claim whose request provably created no job. Raises RunError if that takes too long."""
    await client.signal_entity(_entity(run_id), SUBMISSION_RELEASE, {"attempt": attempt})
    await _until(client, run_id, lambda submission: submission.attempt != attempt)


async def cancel_submission(client: df.DurableOrchestrationClient, run_id: str) -> None:
    """Records that the run is to be canceled. Raises RunError if that takes too long."""
    await client.signal_entity(_entity(run_id), SUBMISSION_CANCEL)
    await _until(client, run_id, lambda submission: submission.cancel_requested)


async def _until(
    client: df.DurableOrchestrationClient,
    run_id: str,
    reached: Callable[[Submission], bool],
    limit: float = CHANGE_VISIBLE_WITHIN,
) -> Submission:
    pause, deadline = _FIRST_PAUSE, asyncio.get_running_loop().time() + limit
    while True:
        submission = await read_submission(client, run_id)
        if reached(submission):
            return submission
        if asyncio.get_running_loop().time() > deadline:
            raise RunError(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"The task hub did not process a signal to the submission within {limit:.0f} s.",
                retryable=True,
            )
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _now() -> str:
    return format_timestamp(datetime.now(UTC))


def _entity(run_id: str) -> df.EntityId:
    return df.EntityId(SUBMISSION, run_id)
