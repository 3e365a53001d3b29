"""What a search for a run's job could not decide, and whether the run may submit again after it found no job."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from batch.errors import ErrorCode, RunError
from batch.run.submission import Submission, submission_uncertain, what_was_answered


class SearchAgain(Enum):
    """How long a search that decides nothing is repeated."""

    UNTIL_TIMEOUT = auto()
    """Its cause passes by itself, and a paid job may be running."""
    FOR_A_WHILE = auto()
    """For ``SEARCH_LIMIT`` settling times since the first such search: its cause may pass."""
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Undecided:
    """The run's job may or may not exist. ``reason`` continues the sentence that says so."""

    reason: str
    again: SearchAgain
    retry_after: float | None = None


def after_search(
    submission: Submission, undecided: Undecided | None, searched_at: datetime, settle: timedelta
) -> RunError | None:
    """Why the run must search again or end, after no job was found; None if there is provably no job.

    ``searched_at`` is when the search began: what was created later may be missing in its list.
    """
    if undecided:
        in_time = searched_at < submission.searched_until(settle, searched_at)
        return submission_uncertain(
            undecided.reason,
            retryable=undecided.again is SearchAgain.UNTIL_TIMEOUT
            or (undecided.again is SearchAgain.FOR_A_WHILE and in_time),
            retry_after=undecided.retry_after,
            last_answer=submission.last_answer,
        )
    unsettled = (submission.settles_at(settle) - searched_at).total_seconds()
    if unsettled > 0:
        return submission_uncertain(
            "and none is listed yet",
            retryable=True,
            retry_after=unsettled,
            last_answer=submission.last_answer,
        )
    return None


def before_next_post(submission: Submission, now: datetime, settle: timedelta) -> RunError | None:
    """Why the run must not submit again now, though there is provably no job; None if it may."""
    pause = (submission.posts_again_at(settle) - now).total_seconds()
    if pause <= 0 and not submission.refused:
        return None
    return why_no_job(submission, retry_after=pause)


def why_no_job(submission: Submission, *, retry_after: float | None = None) -> RunError | None:
    """What became of the submissions of which provably none created a job; None if no answer to one was lost."""
    answered = what_was_answered(submission.last_answer)
    if submission.refused:
        return RunError(ErrorCode.REQUEST_REJECTED, f"The submission created no job.{answered}")
    if not submission.lost_posts:
        return None
    count = submission.lost_posts
    created = (
        "The submission created no job." if count == 1 else f"Of {count} submissions none created a job."
    )
    return RunError(
        ErrorCode.SERVICE_UNAVAILABLE, f"{created}{answered}", retryable=True, retry_after=retry_after
    )
