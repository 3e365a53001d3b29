"""At most one attempt may POST; and how a job that may exist is told from others."""

import json
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from batch.contract import JobInput, JobOutput, RunRequest
from batch.endpoint import RUN_ID_TAG
from batch.job_resource import JobResource
from batch.submission import Match, Submission, matches
from tests.batch.builders import INPUT_URI, WORKSPACE_ID, request
from tests.batch.jobs import arm_job, job

CLAIMED = Submission(attempt="a", claimed_at="t", claims=1)


@pytest.mark.parametrize(
    ("before", "attempt", "instead_of", "after"),
    [
        (Submission(), "a", None, CLAIMED),
        (CLAIMED, "b", None, CLAIMED),
        (CLAIMED, "a", None, CLAIMED),
        (CLAIMED, "b", "a", Submission(attempt="b", claimed_at="t", claims=2)),
        (CLAIMED, "b", "c", CLAIMED),
        (Submission(), "b", "a", Submission()),
        (Submission(cancel_requested=True), "a", None, Submission(cancel_requested=True)),
        (replace(CLAIMED, cancel_requested=True), "b", "a", replace(CLAIMED, cancel_requested=True)),
    ],
)
def test_a_claim(before: Submission, attempt: str, instead_of: str | None, after: Submission) -> None:
    assert before.claim(attempt, "t", instead_of) == after


@pytest.mark.parametrize(
    ("before", "attempt", "after"),
    [
        (CLAIMED, "a", Submission()),
        (CLAIMED, "b", CLAIMED),
        (Submission(), "a", Submission()),
        (replace(CLAIMED, claims=3), "a", Submission(claims=2)),
        (replace(CLAIMED, cancel_requested=True), "a", Submission(cancel_requested=True)),
    ],
)
def test_a_release(before: Submission, attempt: str, after: Submission) -> None:
    assert before.release(attempt) == after


def test_a_cancel_is_never_taken_back() -> None:
    canceled = CLAIMED.cancel()
    assert canceled == replace(CLAIMED, cancel_requested=True)
    assert canceled.cancel() == canceled
    assert canceled.release("a").cancel_requested
    assert canceled.claim("b", "t", "a").cancel_requested


class Claims(RuleBasedStateMachine):
    """Attempts deliver their signals in any order, several times, each believing what it last read."""

    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.mark = Submission()
        self.attempts_made = 0
        self.open: set[str] = set()
        """Attempts that got the claim, and neither gave it back nor were replaced after a search."""

    @rule(target=attempts)
    def new_attempt(self) -> str:
        self.attempts_made += 1
        return f"attempt-{self.attempts_made}"

    @rule(attempt=attempts, instead_of=st.none() | attempts)
    def claim(self, attempt: str, instead_of: str | None) -> None:
        before = self.mark
        self.mark = self.mark.claim(attempt, "t", instead_of)
        if self.mark != before:
            assert not before.cancel_requested
            self.open = (self.open - {instead_of}) | {attempt}

    @rule(attempt=attempts)
    def release(self, attempt: str) -> None:
        before = self.mark
        self.mark = self.mark.release(attempt)
        if self.mark != before:
            self.open = self.open - {attempt}

    @rule()
    def cancel(self) -> None:
        self.mark = self.mark.cancel()

    @rule()
    def carried_by_the_task_hub(self) -> None:
        assert Submission.from_json(json.loads(json.dumps(self.mark.to_json()))) == self.mark

    @invariant()
    def at_most_one_attempt_may_post(self) -> None:
        assert self.open == ({self.mark.attempt} if self.mark.attempt else set())

    @invariant()
    def the_claim_is_dated_and_counted(self) -> None:
        assert self.mark.claims >= len(self.open)
        assert (self.mark.attempt is None) == (self.mark.claimed_at is None)


TestClaims = Claims.TestCase
TestClaims.settings = settings(max_examples=50, stateful_step_count=25)


def test_no_state_is_a_free_mark() -> None:
    assert Submission.from_json(None) == Submission.from_json({}) == Submission()


OUTPUT = "azureml://datastores/lake/paths/out/r-1.csv"
SECOND = "azureml://datastores/lake/paths/b/r-1"
ELSEWHERE = "azureml://datastores/lake/paths/elsewhere"
LONG = f"azureml:/{WORKSPACE_ID}/datastores/lake/paths"
NO_OUTPUT = request(outputs={})
LITERAL = request(outputs={}, inputs={"mode": JobInput(type="Literal", value=1)})
TWO = request(outputs={"a": JobOutput(uri=OUTPUT), "b": JobOutput(uri=SECOND)})


def _job(
    outputs: list[str] | None = None, inputs: list[str] | None = None, **properties: object
) -> JobResource:
    """A job of the endpoint with these URIs; None where the answer shows none."""
    shown = {
        "outputData": {
            f"o{n}": {"uri": uri, "jobOutputType": "UriFile"} for n, uri in enumerate(outputs or [])
        },
        "inputData": {f"i{n}": {"uri": uri, "mode": "ReadOnlyMount"} for n, uri in enumerate(inputs or [])},
    }
    return job(**shown, **properties)


def _tagged(run_id: object, outputs: list[str] | None = None) -> JobResource:
    return _job(outputs, tags={RUN_ID_TAG: run_id})


FROM_ARM = JobResource.parse(arm_job())


@pytest.mark.parametrize(
    ("found", "asked", "expected"),
    [
        # The tag decides wherever the service kept it.
        (_tagged("r-1"), request(), Match.OURS),
        (_tagged("r-1"), NO_OUTPUT, Match.OURS),
        (_tagged("r-1", [ELSEWHERE]), request(), Match.OURS),
        (_tagged("r-2"), request(), Match.OTHER),
        (_tagged("r-2", [OUTPUT]), request(), Match.OTHER),
        (_tagged(None), request(), Match.OTHER),
        # Else an output of its own does, in any spelling of its datastore.
        (_job([OUTPUT], [INPUT_URI]), request(), Match.OURS),
        (_job([OUTPUT]), request(), Match.OURS),
        (_job([f"{LONG}/out/r-1.csv"], [f"{LONG}/in"]), request(), Match.OURS),
        (_job([f"{LONG}/out/r-1.csv".removeprefix("azureml:/")]), request(), Match.OURS),
        (_job([OUTPUT + "/"]), request(), Match.OURS),
        (_job([OUTPUT.replace("lake", "sea")]), request(), Match.OTHER),
        (_job([OUTPUT.replace("r-1", "r-2")]), request(), Match.OTHER),
        (_job([OUTPUT.replace("r-1", "R-1")]), request(), Match.OTHER),
        (_job([OUTPUT, ELSEWHERE]), request(), Match.OTHER),
        (_job([OUTPUT], ["azureml:another:1"]), request(), Match.OTHER),
        # Several outputs: all of them.
        (_job([SECOND, OUTPUT]), TWO, Match.OURS),
        (_job([OUTPUT]), TWO, Match.OTHER),
        # ARM shows neither inputs nor outputs, so it can not tell.
        (FROM_ARM, request(), Match.UNCLEAR),
        (FROM_ARM, NO_OUTPUT, Match.UNCLEAR),
        (_job(None, [INPUT_URI]), request(), Match.UNCLEAR),
        (_job(None, ["azureml:another:1"]), request(), Match.OTHER),
        # Without outputs only other inputs tell anything.
        (_job(None, [INPUT_URI]), NO_OUTPUT, Match.UNCLEAR),
        (_job(None, [f"{LONG}/in/"]), NO_OUTPUT, Match.UNCLEAR),
        (_job([OUTPUT], [INPUT_URI]), NO_OUTPUT, Match.UNCLEAR),
        (_job(None, ["azureml:another:1"]), NO_OUTPUT, Match.OTHER),
        (_job(None, [INPUT_URI]), LITERAL, Match.OTHER),
        (job(inputData={"mode": {"jobInputType": "Literal", "value": "1"}}), LITERAL, Match.UNCLEAR),
    ],
)
def test_whether_a_job_is_the_one_this_run_submitted(
    found: JobResource, asked: RunRequest, expected: Match
) -> None:
    assert matches(found, "r-1", asked) is expected
