"""At most one attempt may POST, and its job may appear in the list until a known time."""

import json
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from batch.errors import ErrorCode
from batch.run.submission import MAX_ANSWER_LENGTH, Submission, submission_uncertain
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after

CLAIMED = Submission(marker="a", attempt="a", claimed_at="t", claims=1)
LOST = replace(CLAIMED, lost_at="l", lost_posts=1)
ANSWER = "POST https://scores.example/jobs answered 503."


@pytest.mark.parametrize(
    ("before", "attempt", "instead_of", "after"),
    [
        (Submission(), "a", None, CLAIMED),
        (CLAIMED, "b", None, CLAIMED),
        (CLAIMED, "a", None, CLAIMED),
        (CLAIMED, "b", "a", Submission(marker="a", attempt="b", claimed_at="t", claims=2)),
        (LOST, "b", None, LOST),
        (LOST, "b", "a", Submission(marker="a", attempt="b", claimed_at="t", claims=2, lost_posts=1)),
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


def test_what_the_first_claim_resolved_stays() -> None:
    first = Submission().claim("a", "t", None, {"data": "one"})
    assert first.resolved_inputs == {"data": "one"}
    for before, instead_of in ((first, "a"), (first.release("a"), None), (first.lose("a", "l"), "a")):
        again = before.claim("b", "t", instead_of, {"data": "two"})
        assert (again.attempt, again.resolved_inputs) == ("b", {"data": "one"})
    assert Submission.from_json(json.loads(json.dumps(first.to_json()))) == first


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
        (LOST, "a", LOST),
        (CLAIMED, "b", CLAIMED),
        (Submission(), "a", Submission()),
        (replace(CLAIMED, cancel_requested=True), "a", replace(LOST, cancel_requested=True)),
    ],
)
def test_only_the_attempt_that_claimed_may_report_a_lost_answer(
    before: Submission, attempt: str, after: Submission
) -> None:
    assert before.lose(attempt, "l") == after


def test_what_is_known_of_lost_answers_stays_until_the_next_one() -> None:
    first = CLAIMED.lose("a", "l", ANSWER, refused=True)
    assert (first.lost_posts, first.last_answer, first.refused) == (1, ANSWER, True)
    again = first.claim("b", "t", "a")
    assert (again.lost_posts, again.last_answer, again.refused) == (1, ANSWER, False)
    released = again.release("b")
    assert (released.lost_posts, released.last_answer) == (1, ANSWER)
    second = released.claim("c", "t", None).lose("c", "l", "no answer " * 100)
    assert second.lost_posts == 2
    assert second.last_answer is not None
    assert second.last_answer.startswith("no answer no")
    assert len(second.last_answer) <= MAX_ANSWER_LENGTH


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


def test_the_record_of_the_next_job_is_new_and_keeps_a_cancel_request() -> None:
    settled = replace(LOST, last_answer=ANSWER, undecided_since="u", refused=True)
    assert settled.of_job(1) == settled
    assert settled.of_job(2) == Submission(job_attempt=2)
    assert settled.cancel().of_job(2) == Submission(job_attempt=2, cancel_requested=True)
    second = settled.of_job(2).claim("b", "t", None)
    assert (second.marker, second.attempt, second.job_attempt) == ("b", "b", 2)
    assert second.of_job(1) == second.of_job(2) == second


def test_a_record_without_the_number_of_its_job_is_that_of_the_first() -> None:
    assert Submission.from_json({"marker": "a", "attempt": "a"}).job_attempt == 1
    assert "job_attempt" not in CLAIMED.to_json()
    assert Submission.from_json(CLAIMED.of_job(2).to_json()) == Submission(job_attempt=2)


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
        self.losses = 0

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
            self.lost = self.lost - {attempt}

    @rule(attempt=attempts)
    def lose(self, attempt: str) -> None:
        self.submission = self.submission.lose(attempt, "l", ANSWER)
        self.losses += len((self.open & {attempt}) - self.lost)
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

    @invariant()
    def each_lost_answer_is_counted_once(self) -> None:
        assert self.submission.lost_posts == self.losses


TestClaims = Claims.TestCase
TestClaims.settings = settings(max_examples=50, stateful_step_count=25)


def test_an_entity_without_state_is_an_unclaimed_submission() -> None:
    assert Submission.from_json(None) == Submission.from_json({}) == Submission()


@pytest.mark.parametrize("kept", [CLAIMED, LOST, replace(CLAIMED, cancel_requested=True)])
def test_a_submission_without_lost_answers_is_readable_for_version_1_2(kept: Submission) -> None:
    """That version knows six fields and refuses any other."""
    known = {"marker", "attempt", "claimed_at", "lost_at", "claims", "cancel_requested"}
    assert (set(kept.to_json()) <= known) == (kept.lost_posts == 0)
    of_version_1_2 = {name: value for name, value in asdict(kept).items() if name in known}
    assert Submission.from_json(of_version_1_2) == replace(kept, lost_posts=0)


def test_fields_of_a_later_version_are_left_out() -> None:
    assert Submission.from_json({**CLAIMED.to_json(), "invented": {"later": 1}}) == CLAIMED


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


def test_an_outage_before_the_first_search_in_doubt_does_not_shorten_the_search() -> None:
    claimed = Submission().claim("a", format_timestamp(START), None)
    assert claimed.searched_until(SETTLE_TIME, after(3_600)) == after(4_500)
    doubted = claimed.searched(format_timestamp(after(3_600)), in_doubt=True)
    again = doubted.searched(format_timestamp(after(3_700)), in_doubt=True)
    assert again == doubted
    assert again.searched_until(SETTLE_TIME, after(3_700)) == after(4_500)
    assert again.searched(format_timestamp(after(3_800)), in_doubt=False) == claimed


def test_another_claim_starts_its_times_again() -> None:
    lost = Submission().claim("a", format_timestamp(START), None).lose("a", format_timestamp(after(20)))
    submission = lost.claim("b", format_timestamp(after(200)), "a")
    assert submission.may_post_until(SETTLE_TIME) == after(470)
    assert submission.settles_at(SETTLE_TIME) == after(560)


@pytest.mark.parametrize("change", ["claim", "release"])
def test_the_doubts_about_one_attempt_are_not_those_about_the_next(change: str) -> None:
    doubted = (
        Submission()
        .claim("a", format_timestamp(START), None)
        .searched(format_timestamp(START), in_doubt=True)
    )
    after_it = (
        doubted.release("a") if change == "release" else doubted.claim("b", format_timestamp(after(9)), "a")
    )
    assert after_it.undecided_since is None


def _lost(posts: int, lost_at: float = 20) -> Submission:
    """After so many POSTs whose answers were lost, the last one ``lost_at`` seconds after START."""
    claimed = replace(Submission(), lost_posts=posts - 1).claim("a", format_timestamp(START), None)
    return claimed.lose("a", format_timestamp(after(lost_at)), ANSWER)


@pytest.mark.parametrize(
    ("posts", "settle", "pause"),
    [
        (1, 90, 90),
        (2, 90, 180),
        (3, 90, 300),
        (40, 90, 300),
        (1, 30, 30),
        (4, 30, 240),
        (1, 600, 600),
        (5, 600, 600),
    ],
)
def test_each_lost_post_doubles_the_pause_before_the_next_one(
    posts: int, settle: float, pause: float
) -> None:
    assert _lost(posts).posts_again_at(timedelta(seconds=settle)) == after(20 + pause)


def test_a_claim_without_a_post_that_is_known_to_be_lost_costs_no_pause() -> None:
    killed = _lost(7).claim("b", format_timestamp(after(500)), "a")
    assert killed.posts_again_at(SETTLE_TIME) == after(500)
    of_version_1_2 = replace(_lost(1), lost_posts=0)
    assert of_version_1_2.posts_again_at(SETTLE_TIME) == after(20 + 90)


@pytest.mark.parametrize("reason", ["and nobody knows", "and nobody knows."])
def test_an_uncertain_submission_says_why(reason: str) -> None:
    error = submission_uncertain(reason, retryable=True, retry_after=7.5)
    assert (error.code, error.retryable, error.retry_after) == (ErrorCode.SUBMISSION_UNCERTAIN, True, 7.5)
    assert "may or may not exist, and nobody knows. Nothing is submitted again" in error.message


def test_an_uncertain_submission_ends_with_the_last_answer_however_long_the_reason_is() -> None:
    error = submission_uncertain("and " + "so " * 1_000, last_answer=ANSWER)
    assert error.message.endswith(
        "Nothing is submitted again while that is so. The last answer to its submission was: "
        "POST https://scores.example/jobs answered 503."
    )


def test_an_uncertain_submission_is_not_retryable_by_default() -> None:
    error = submission_uncertain("and nobody knows")
    assert (error.retryable, error.retry_after) == (False, None)
