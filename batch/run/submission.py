"""Submitting is not idempotent: who may POST a run's job, and how a job that may exist is found again.

A ``Submission`` is the durable mark of one run, kept by the entity of that name. Whoever wants to POST claims
it with an attempt id of its own. A claim by another attempt means that a job may exist already: then the job
is looked for (``job_match``, ``job_search``), adopted if found, and submitted anew only when it is surely absent.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from batch.errors import ErrorCode, RunError
from batch.timestamps import parse_timestamp

CLAIM_LIFETIME = 3
"""In settling times: for so long an attempt may POST on its claim. Then nobody has to fear that it still will."""

SEARCH_LIMIT = 10
"""In settling times: for so long after the claim a list of jobs that can not be read is asked for again."""


class Purpose(StrEnum):
    """What the invoke activity is called for."""

    SUBMIT = "submit"
    FIND = "find"  # past the deadline: a job that exists is adopted, none is submitted
    NOTICE_CANCEL = "notice_cancel"  # nudged before the next try is due


@dataclass(frozen=True, slots=True)
class Submission:
    """State of the entity. ``claims`` counts how often the job may have been sent; times are ISO 8601.

    ``marker`` is the first attempt's id. It stays, and every job of this run is tagged with it: two apps on one
    workspace may both have a run of the same id. ``lost_at`` is when an attempt learnt that it would get no answer
    to its POST.
    """

    marker: str | None = None
    attempt: str | None = None
    claimed_at: str | None = None
    lost_at: str | None = None
    claims: int = 0
    cancel_requested: bool = False

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> Self:
        return cls(**value) if value else cls()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def claim(self, attempt: str, claimed_at: str, instead_of: str | None) -> "Submission":
        """Claims for ``attempt`` if the claim is free or still that of ``instead_of``; not after a cancel."""
        if self.cancel_requested or self.attempt != instead_of:
            return self
        return replace(
            self,
            marker=self.marker or attempt,
            attempt=attempt,
            claimed_at=claimed_at,
            lost_at=None,
            claims=self.claims + 1,
        )

    def release(self, attempt: str) -> "Submission":
        """Gives the claim back: what ``attempt`` wanted to send surely was not taken."""
        if self.attempt != attempt:
            return self
        return replace(self, attempt=None, claimed_at=None, lost_at=None, claims=self.claims - 1)

    def lose(self, attempt: str, lost_at: str) -> "Submission":
        """The answer to the POST of ``attempt`` is lost for good."""
        return replace(self, lost_at=lost_at) if self.attempt == attempt else self

    def cancel(self) -> "Submission":
        return replace(self, cancel_requested=True)

    def claimed(self) -> datetime:
        return _time(self.claimed_at)

    def may_post_until(self, settle: timedelta) -> datetime:
        return self.claimed() + CLAIM_LIFETIME * settle

    def settles_at(self, settle: timedelta) -> datetime:
        """From then on a job that is not listed does not exist."""
        over = _time(self.lost_at) if self.lost_at else self.may_post_until(settle)
        return over + settle

    def searched_until(self, settle: timedelta) -> datetime:
        return self.claimed() + SEARCH_LIMIT * settle


def submission_uncertain(
    reason: str, *, retryable: bool = False, retry_after: float | None = None
) -> RunError:
    return RunError(
        ErrorCode.SUBMISSION_UNCERTAIN,
        f"Submission uncertain: the job may or may not exist, {reason.rstrip('.')}."
        " Nothing is submitted again while that is so. Look at the endpoint's jobs in Azure ML Studio before you"
        " start a new run.",
        retryable=retryable,
        retry_after=retry_after,
    )


def _time(text: str | None) -> datetime:
    moment = parse_timestamp(text)
    assert moment is not None, "an attempt has claimed it"
    return moment
