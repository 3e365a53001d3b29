"""Submitting is not idempotent: who may POST a run's job, and whether a cancel was requested.

A ``Submission`` is the durable record of one run's submission, kept by the entity of that name. An attempt to POST
claims it first, with an id of its own. A claim by another attempt means that a job may exist already: then the
app searches for the job (``job_search``, ``job_match``), adopts it if found, and submits again only when there is
provably none.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from batch.errors import ErrorCode, RunError
from batch.timestamps import parse_timestamp

CLAIM_LIFETIME = 3
"""A claim is valid for so many settling times (SUBMISSION_SETTLE_SECONDS). Afterwards its attempt must not POST."""

SEARCH_LIMIT = 10
"""Searches that cannot read the list of jobs are retried for so many settling times after the claim."""


@dataclass(frozen=True, slots=True)
class Submission:
    """State of the entity. ``claims`` counts how often the job may have been sent; times are ISO 8601.

    ``marker`` is the id of the first attempt. It stays, and every job of this run is tagged with it: two apps on one
    workspace may both have a run of the same id. ``lost_at`` is when an attempt found the answer to its POST lost.
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
        """Gives the claim back: the request of ``attempt`` provably created no job."""
        if self.attempt != attempt:
            return self
        return replace(self, attempt=None, claimed_at=None, lost_at=None, claims=self.claims - 1)

    def lose(self, attempt: str, lost_at: str) -> "Submission":
        """No answer to the POST of ``attempt`` will come."""
        return replace(self, lost_at=lost_at) if self.attempt == attempt else self

    def cancel(self) -> "Submission":
        return replace(self, cancel_requested=True)

    def claimed_at_utc(self) -> datetime:
        return _time(self.claimed_at)

    def may_post_until(self, settle: timedelta) -> datetime:
        return self.claimed_at_utc() + CLAIM_LIFETIME * settle

    def settles_at(self, settle: timedelta) -> datetime:
        """When the list of jobs is complete. A job that is not in it then does not exist."""
        over = _time(self.lost_at) if self.lost_at else self.may_post_until(settle)
        return over + settle

    def searched_until(self, settle: timedelta) -> datetime:
        return self.claimed_at_utc() + SEARCH_LIMIT * settle


def submission_uncertain(
    reason: str, *, retryable: bool = False, retry_after: float | None = None
) -> RunError:
    return RunError(
        ErrorCode.SUBMISSION_UNCERTAIN,
        f"Submission uncertain: the job may or may not exist, {reason.rstrip('.')}."
        " Nothing is submitted again while that is so.",
        retryable=retryable,
        retry_after=retry_after,
    )


def _time(text: str | None) -> datetime:
    moment = parse_timestamp(text)
    assert moment is not None, "an attempt has claimed it"
    return moment
