"""Submitting is not idempotent: who may POST a run's job, and whether a cancel was requested.

A ``Submission`` is the durable record of one job's submission, kept in the run's row of the ledger. The record of
the run's next job replaces it, once the job has failed. An attempt to POST claims it first, with an id of its own. A
claim by another attempt means that a job may exist already: then the app searches for the job (``job_search``,
``job_match``), adopts it if found, and submits again only when there is provably none (``search_result``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from batch.errors import ErrorCode, RunError, shorten
from batch.timestamps import parse_timestamp

CLAIM_LIFETIME = 3
"""A claim is valid for so many settling times (SUBMISSION_SETTLE_SECONDS). Afterwards its attempt must not POST."""

SEARCH_LIMIT = 10
"""A search that is refused, or cannot tell jobs apart, is repeated for so many settling times."""

LONGEST_PAUSE = timedelta(minutes=5)
"""Between two POSTs whose answers were lost, if the list of jobs settles sooner."""

MAX_ANSWER_LENGTH = 300
"""Characters of the last answer in the record."""

_MAX_REASON_LENGTH = 500
"""Characters, so that the last answer has room in the message, too."""
_MAX_DOUBLINGS = 16
"""90 s, doubled so often, are more than the longest pause and far from an overflow."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Times are ISO 8601.

    ``job_attempt`` counts the jobs of the run from 1: the record is about this one. ``marker`` is the id of the first
    attempt to POST. It stays, and the job is tagged with it: two apps on one workspace may both have a run of the
    same id, and a run may have several jobs. ``lost_at`` is when ``attempt`` found the answer to its POST lost.
    ``claims`` counts the claims that were not given back: of two records the one with more is the newer.

    ``lost_posts`` counts the POSTs of all attempts whose answers were lost. ``last_answer`` says what came instead of
    the last one; ``refused`` if it was an error of the user, though with a status that says nothing of the job.

    ``resolved_inputs``: by the names of inputs, which version the first claim found behind an asset's name or label.
    Each POST sends the same.

    ``undecided_since`` is when the searches for the job began to end in doubt for a reason that seldom passes.
    """

    marker: str | None = None
    attempt: str | None = None
    claimed_at: str | None = None
    lost_at: str | None = None
    claims: int = 0
    cancel_requested: bool = False
    lost_posts: int = 0
    last_answer: str | None = None
    refused: bool = False
    undecided_since: str | None = None
    job_attempt: int = 1
    resolved_inputs: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> Self:
        """Fields of a later version are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: each for name, each in (value or {}).items() if name in known})

    def to_json(self) -> dict[str, Any]:
        """Without the fields that are at their default: versions before do not know the last ones."""
        default = asdict(type(self)())
        return {name: each for name, each in asdict(self).items() if each != default[name]}

    def of_job(self, job_attempt: int) -> "Submission":
        """The record of this job of the run. That of an earlier job is over: its job is known, and has failed.

        Each job gets the same inputs.
        """
        if job_attempt <= self.job_attempt:
            return self
        return Submission(
            job_attempt=job_attempt,
            cancel_requested=self.cancel_requested,
            resolved_inputs=self.resolved_inputs,
        )

    def claim(
        self,
        attempt: str,
        claimed_at: str,
        instead_of: str | None,
        resolved_inputs: Mapping[str, str] | None = None,
    ) -> "Submission":
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
            resolved_inputs=self.resolved_inputs or resolved_inputs or {},
            refused=False,
            undecided_since=None,
        )

    def release(self, attempt: str) -> "Submission":
        """Gives the claim back: the request of ``attempt`` provably created no job."""
        if self.attempt != attempt:
            return self
        return replace(
            self,
            attempt=None,
            claimed_at=None,
            lost_at=None,
            claims=self.claims - 1,
            refused=False,
            undecided_since=None,
        )

    def lose(
        self, attempt: str, lost_at: str, answer: str | None = None, refused: bool = False
    ) -> "Submission":
        """No answer to the POST of ``attempt`` will come; ``answer`` is what came instead."""
        if self.attempt != attempt or self.lost_at:
            return self
        return replace(
            self,
            lost_at=lost_at,
            lost_posts=self.lost_posts + 1,
            last_answer=shorten(answer, MAX_ANSWER_LENGTH) if answer else None,
            refused=refused,
        )

    def searched(self, at: str, *, in_doubt: bool) -> "Submission":
        """A search ended ``in_doubt`` for a reason that seldom passes, or in another way."""
        return replace(self, undecided_since=(self.undecided_since or at) if in_doubt else None)

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

    def searched_until(self, settle: timedelta, now: datetime) -> datetime:
        """An outage before the first search that was in doubt does not count."""
        since = _time(self.undecided_since) if self.undecided_since else now
        return since + SEARCH_LIMIT * settle

    def posts_again_at(self, settle: timedelta) -> datetime:
        """When another attempt may claim, if no job exists: at once, unless the answer to a POST was lost."""
        if self.lost_at is None:
            return self.claimed_at_utc()
        doublings = min(max(self.lost_posts - 1, 0), _MAX_DOUBLINGS)
        return _time(self.lost_at) + max(settle, min(settle * (1 << doublings), LONGEST_PAUSE))


def submission_uncertain(
    reason: str,
    *,
    retryable: bool = False,
    retry_after: float | None = None,
    last_answer: str | None = None,
) -> RunError:
    return RunError(
        ErrorCode.SUBMISSION_UNCERTAIN,
        "Submission uncertain: the job may or may not exist,"
        f" {shorten(reason, _MAX_REASON_LENGTH).rstrip('.')}."
        f" Nothing is submitted again while that is so.{what_was_answered(last_answer)}",
        retryable=retryable,
        retry_after=retry_after,
    )


def what_was_answered(last_answer: str | None) -> str:
    """A sentence to append; empty if there was no POST whose answer was lost, or nothing is known of it."""
    if not last_answer:
        return ""
    text = shorten(last_answer, MAX_ANSWER_LENGTH).rstrip(".")
    return f" The last answer to its submission was: {text}."


def _time(text: str | None) -> datetime:
    moment = parse_timestamp(text)
    assert moment is not None, "an attempt has claimed it"
    return moment
