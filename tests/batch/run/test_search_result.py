"""What follows from a search that found no job: search again, submit again, wait or end."""

from datetime import timedelta

import pytest

from batch.errors import ErrorCode, RunError
from batch.run.search_result import SearchAgain, Undecided, after_search, before_next_post, why_no_job
from batch.run.submission import Submission
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after

SETTLE = timedelta(seconds=90)
ANSWER = "POST https://scores.example/jobs answered 503."
SAID = "The last answer to its submission was: POST https://scores.example/jobs answered 503."
CLAIMED = Submission().claim("a", format_timestamp(START), None)
LOST = CLAIMED.lose("a", format_timestamp(after(20)), ANSWER)
REFUSED = CLAIMED.lose("a", format_timestamp(after(20)), ANSWER, refused=True)


def _after(submission: Submission, undecided: Undecided | None, seconds: float) -> RunError | None:
    return after_search(submission, undecided, after(seconds), SETTLE)


@pytest.mark.parametrize(
    ("again", "seconds", "retryable"),
    [
        (SearchAgain.UNTIL_TIMEOUT, 10, True),
        (SearchAgain.UNTIL_TIMEOUT, 80_000, True),
        (SearchAgain.FOR_A_WHILE, 899, True),
        (SearchAgain.FOR_A_WHILE, 900, False),
        (SearchAgain.NEVER, 10, False),
    ],
)
@pytest.mark.parametrize("submission", [CLAIMED, LOST, REFUSED])
def test_how_long_a_search_that_decides_nothing_is_repeated(
    submission: Submission, again: SearchAgain, seconds: float, retryable: bool
) -> None:
    in_doubt = submission.searched(format_timestamp(START), in_doubt=True)
    error = _after(in_doubt, Undecided("and nobody knows", again, 7.0), seconds)
    assert error is not None
    assert (error.code, error.retryable) == (ErrorCode.SUBMISSION_UNCERTAIN, retryable)
    assert error.retry_after == 7.0
    assert "and nobody knows" in error.message
    assert (SAID in error.message) == (submission is not CLAIMED)


def test_one_refusal_after_a_long_outage_does_not_end_the_search() -> None:
    error = _after(LOST, Undecided("and the list was refused", SearchAgain.FOR_A_WHILE), 3_600)
    assert error and error.retryable


@pytest.mark.parametrize(
    ("submission", "seconds", "unsettled"),
    [
        (LOST, 30, 80),
        (LOST, 109.5, 0.5),
        (LOST, 110, None),
        (CLAIMED, 110, 250),
        (CLAIMED, 359, 1),
        (CLAIMED, 360, None),
    ],
)
def test_there_is_no_job_only_if_the_list_is_complete(
    submission: Submission, seconds: float, unsettled: float | None
) -> None:
    error = _after(submission, None, seconds)
    if unsettled is None:
        assert error is None
        return
    assert error is not None
    assert (error.code, error.retryable) == (ErrorCode.SUBMISSION_UNCERTAIN, True)
    assert error.retry_after == unsettled
    assert "none is listed yet" in error.message
    assert (SAID in error.message) == (submission is LOST)


def test_after_an_interruption_the_run_submits_at_once() -> None:
    assert before_next_post(CLAIMED, after(360), SETTLE) is None
    lost_before = LOST.claim("b", format_timestamp(after(200)), "a")
    assert before_next_post(lost_before, after(560), SETTLE) is None


def test_after_lost_answers_the_run_waits_and_says_what_the_service_answered() -> None:
    assert before_next_post(LOST, after(110), SETTLE) is None
    twice = LOST.claim("b", format_timestamp(after(200)), "a").lose("b", format_timestamp(after(230)), ANSWER)
    error = before_next_post(twice, after(320), SETTLE)
    assert error is not None
    assert (error.code, error.retryable) == (ErrorCode.SERVICE_UNAVAILABLE, True)
    assert error.retry_after == 90
    assert error.message == f"Of 2 submissions none created a job. {SAID}"
    assert before_next_post(twice, after(410), SETTLE) is None


def test_a_submission_that_was_refused_is_not_repeated() -> None:
    error = before_next_post(REFUSED, after(80_000), SETTLE)
    assert error is not None
    assert (error.code, error.retryable) == (ErrorCode.REQUEST_REJECTED, False)
    assert error.message == f"The submission created no job. {SAID}"


def test_why_there_is_no_job_is_known_only_after_a_lost_answer() -> None:
    assert why_no_job(Submission()) is None
    assert why_no_job(CLAIMED) is None
    for submission in (LOST, LOST.claim("b", format_timestamp(after(200)), "a")):
        error = why_no_job(submission)
        assert error is not None
        assert (error.code, error.message) == (
            ErrorCode.SERVICE_UNAVAILABLE,
            f"The submission created no job. {SAID}",
        )
