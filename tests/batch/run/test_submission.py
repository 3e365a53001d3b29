"""At most one attempt may POST, and its job may appear in the list until a known time."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from batch.errors import ErrorCode
from batch.run.submission import Submission, submission_uncertain
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after

CLAIMED = Submission(marker="a", attempt="a", claimed_at="t", claims=1)
LOST = replace(CLAIMED, lost_at="l")


@pytest.mark.parametrize(
    ("before", "attempt", "instead_of", "after"),
    [
        (Submission(), "a", None, CLAIMED),
        (CLAIMED, "b", None, CLAIMED),
        (CLAIMED, "a", None, CLAIMED),
        (CLAIMED, "b", "a", Submission(marker="a", attempt="b", claimed_at="t", claims=2)),
        (LOST, "b", None, LOST),
        (LOST, "b", "a", Submission(marker="a", attempt="b", claimed_at="t", claims=2)),
        (CLAIMED, "b", "c", CLAIMED),
        (Submission(), "b", "a", Submission()),
        (Submission(cancel_requested=True), "a", None, Submission(cancel_requested=True)),
        (replace(CLAIMED, cancel_requested=True), "b", "a", replace(CLAIMED, cancel_requested=True)),
    ],
)
def test_a_claim_succeeds_if_it_is_free_or_replaces_the_last_one(
    before: Submission, attempt: str, instead_of: str | None, after: Submission
) -> None:
    assert before.claim(attempt, "t", instead_of) == after


@pytest.mark.parametrize(
    ("before", "attempt", "after"),
    [
        (CLAIMED, "a", Submission(marker="a")),
        (CLAIMED, "b", CLAIMED),
        (Submission(), "a", Submission()),
        (replace(CLAIMED, claims=3), "a", Submission(marker="a", claims=2)),
        (replace(CLAIMED, cancel_requested=True), "a", Submission(marker="a", cancel_requested=True)),
    ],
)
def test_only_the_attempt_that_claimed_may_release(
    before: Submission, attempt: str, after: Submission
) -> None:
    assert before.release(attempt) == after


@pytest.mark.parametrize(
    ("before", "attempt", "after"),
    [
        (CLAIMED, "a", LOST),
        (CLAIMED, "b", CLAIMED),
        (Submission(), "a", Submission()),
        (replace(CLAIMED, cancel_requested=True), "a", replace(LOST, cancel_requested=True)),
    ],
)
def test_only_the_attempt_that_claimed_may_report_a_lost_answer(
    before: Submission, attempt: str, after: Submission
) -> None:
    assert before.lose(attempt, "l") == after


def test_the_first_marker_stays_whatever_happens_to_its_attempt() -> None:
    assert CLAIMED.release("a").claim("b", "t", None).marker == "a"
    assert CLAIMED.claim("b", "t", "a").claim("c", "t", "b").marker == "a"


def test_a_cancel_request_is_never_removed() -> None:
    canceled = CLAIMED.cancel()
    assert canceled == replace(CLAIMED, cancel_requested=True)
    assert canceled.cancel() == canceled
    assert canceled.release("a").cancel_requested
    assert canceled.lose("a", "l").cancel_requested
    assert canceled.claim("b", "t", "a").cancel_requested


class Claims(RuleBasedStateMachine):
    """Signals of attempts come in any order and several times. Each attempt relies on what it last read."""

    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.submission = Submission()
        self.attempts_made = 0
        self.open: set[str] = set()
        """Attempts that got the claim, and neither gave it back nor were replaced after a search."""
        self.lost: set[str] = set()
        """Those of them that got no answer."""

    @rule(target=attempts)
    def new_attempt(self) -> str:
        self.attempts_made += 1
        return f"attempt-{self.attempts_made}"

    @rule(attempt=attempts, instead_of=st.none() | attempts)
    def claim(self, attempt: str, instead_of: str | None) -> None:
        before = self.submission
        self.submission = self.submission.claim(attempt, "t", instead_of)
        if self.submission != before:
            assert not before.cancel_requested
            self.open = (self.open - {instead_of}) | {attempt}
            self.lost = self.lost - {attempt}

    @rule(attempt=attempts)
    def release(self, attempt: str) -> None:
        before = self.submission
        self.submission = self.submission.release(attempt)
        if self.submission != before:
            self.open = self.open - {attempt}

    @rule(attempt=attempts)
    def lose(self, attempt: str) -> None:
        self.submission = self.submission.lose(attempt, "l")
        self.lost = self.lost | (self.open & {attempt})

    @rule()
    def cancel(self) -> None:
        self.submission = self.submission.cancel()

    @rule()
    def carried_by_the_task_hub(self) -> None:
        assert Submission.from_json(json.loads(json.dumps(self.submission.to_json()))) == self.submission

    @invariant()
    def at_most_one_attempt_may_post(self) -> None:
        assert self.open == ({self.submission.attempt} if self.submission.attempt else set())

    @invariant()
    def the_claim_is_dated_and_counted(self) -> None:
        assert self.submission.claims >= len(self.open)
        assert (self.submission.attempt is None) == (self.submission.claimed_at is None)

    @invariant()
    def only_the_claimants_own_loss_counts(self) -> None:
        if self.submission.attempt:
            assert (self.submission.lost_at is not None) == (self.submission.attempt in self.lost)


TestClaims = Claims.TestCase
TestClaims.settings = settings(max_examples=50, stateful_step_count=25)


def test_an_entity_without_state_is_an_unclaimed_submission() -> None:
    assert Submission.from_json(None) == Submission.from_json({}) == Submission()


SETTLE_TIME = timedelta(seconds=90)


@pytest.mark.parametrize(
    ("lost", "settles"),
    [(None, 360), (0, 90), (20, 110), (60.5, 150.5), (300, 390)],
)
def test_how_long_a_job_that_is_not_listed_may_still_appear(lost: float | None, settles: float) -> None:
    submission = Submission().claim("a", format_timestamp(START), None)
    if lost is not None:
        submission = submission.lose("a", format_timestamp(after(lost)))
    assert submission.claimed_at_utc() == START
    assert submission.may_post_until(SETTLE_TIME) == after(270)
    assert submission.settles_at(SETTLE_TIME) == after(settles)
    assert submission.searched_until(SETTLE_TIME) == after(900)


def test_another_claim_starts_its_times_again() -> None:
    lost = Submission().claim("a", format_timestamp(START), None).lose("a", format_timestamp(after(20)))
    submission = lost.claim("b", format_timestamp(after(200)), "a")
    assert submission.may_post_until(SETTLE_TIME) == after(470)
    assert submission.settles_at(SETTLE_TIME) == after(560)
    assert submission.searched_until(SETTLE_TIME) == after(1_100)


@pytest.mark.parametrize("reason", ["and nobody knows", "and nobody knows."])
def test_an_uncertain_submission_says_why(reason: str) -> None:
    error = submission_uncertain(reason, retryable=True, retry_after=7.5)
    assert (error.code, error.retryable, error.retry_after) == (ErrorCode.SUBMISSION_UNCERTAIN, True, 7.5)
    assert "may or may not exist, and nobody knows. Nothing is submitted again" in error.message


def test_an_uncertain_submission_is_not_retryable_by_default() -> None:
    error = submission_uncertain("and nobody knows")
    assert (error.retryable, error.retry_after) == (False, None)
