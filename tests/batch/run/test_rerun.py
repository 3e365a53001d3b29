"""A run is not repeated while it goes on, or while a job of it may run."""

from dataclasses import replace

import pytest

from batch.errors import ErrorCode
from batch.run.outcome import End
from batch.run.phases import PENDING, TERMINATED, Phase
from batch.run.rerun import RunBefore, objection
from batch.run.status import RunStatus
from batch.run.submission import Submission
from tests.batch.builders import failure, run

NO_CLAIM = Submission()
GIVEN_BACK = Submission(marker="a")
CLAIM = Submission(marker="a", attempt="a", claimed_at="t", claims=1)
CONFIRM = '{"confirm_no_job": true}'


def before(
    outcome: Phase,
    code: ErrorCode | str | None,
    job_status: str | None = None,
    *,
    submission: Submission | None = CLAIM,
    owned_job: str = "",
) -> RunBefore:
    """A run that ended so; with ``job_status``, one whose job was last seen in it."""
    error = failure(ErrorCode.JOB_FAILED).model_copy(update={"code": str(code)}) if code else None
    status = RunStatus.of(run(status=job_status), end=End(outcome, error))
    return RunBefore(
        "r-1", status, "Completed" if outcome is Phase.COMPLETED else "Failed", submission, owned_job
    )


def terminated(job_status: str | None = None, **fields: object) -> RunBefore:
    status = RunStatus.of(run(status=job_status)).model_copy(update={"phase": TERMINATED})
    return RunBefore("r-1", status, "Terminated", **{"submission": CLAIM, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ended",
    [
        before(Phase.COMPLETED, None, "Completed"),
        before(Phase.FAILED, ErrorCode.JOB_FAILED, "Failed"),
        before(Phase.CANCELED, ErrorCode.JOB_CANCELED, "Canceled"),
        before(Phase.TIMED_OUT, ErrorCode.TIMED_OUT, "Canceled"),
        before(Phase.FAILED, ErrorCode.TOKEN_UNAVAILABLE, submission=NO_CLAIM),
        before(Phase.FAILED, ErrorCode.REQUEST_REJECTED, submission=GIVEN_BACK),
        # It knew that it has no job, though its claim could not be given back.
        before(Phase.TIMED_OUT, ErrorCode.TIMED_OUT),
        before(Phase.CANCELED, ErrorCode.JOB_CANCELED, submission=NO_CLAIM),
        before(Phase.FAILED, ErrorCode.NOT_FOUND, submission=None),
        # It crashed before it had claimed.
        before(Phase.FAILED, ErrorCode.INTERNAL, submission=NO_CLAIM),
        before(Phase.FAILED, ErrorCode.INTERNAL, "Failed"),
        terminated(submission=NO_CLAIM),
        terminated(submission=GIVEN_BACK),
        terminated("Completed"),
    ],
)
def test_a_run_without_a_job_that_may_run_is_repeated(ended: RunBefore) -> None:
    assert objection(ended) is None


@pytest.mark.parametrize(
    "ended",
    [
        # on_timeout leave, or a cancel that failed.
        before(Phase.TIMED_OUT, ErrorCode.TIMED_OUT, "Running"),
        before(Phase.TIMED_OUT, ErrorCode.QUEUE_TIMED_OUT, "Queued"),
        before(Phase.TIMED_OUT, ErrorCode.TIMED_OUT, "CancelRequested"),
        before(Phase.FAILED, ErrorCode.ACCESS_DENIED, "Running"),
        before(Phase.FAILED, ErrorCode.INTERNAL, "NotResponding"),
        before(Phase.FAILED, ErrorCode.INTERNAL, "AStatusOfTomorrow"),
        terminated("Running"),
    ],
)
def test_a_job_that_may_still_run_is_named(ended: RunBefore) -> None:
    text = objection(ended)
    assert text
    assert text.startswith("Job batchjob-1 of run r-1 may still run: its last known status is ")
    assert CONFIRM in text


@pytest.mark.parametrize(
    "ended",
    [
        before(Phase.FAILED, ErrorCode.SUBMISSION_UNCERTAIN, submission=NO_CLAIM),
        before(Phase.FAILED, ErrorCode.SUBMISSION_UNCERTAIN),
        before(Phase.FAILED, ErrorCode.INTERNAL),
        before(Phase.FAILED, "a_code_of_tomorrow"),
        # The ledger does not know whether a run of an earlier version has claimed.
        before(Phase.FAILED, ErrorCode.INTERNAL, submission=None),
        terminated(),
        terminated(submission=None),
    ],
)
def test_a_run_that_may_have_an_unknown_job_is_not_repeated(ended: RunBefore) -> None:
    text = objection(ended)
    assert text
    assert text.startswith(
        "Run r-1 may have a job of which it does not know the end. Look for it in Azure ML Studio"
    )
    assert CONFIRM in text


def test_a_job_that_only_the_ledger_knows_is_named() -> None:
    text = objection(terminated(submission=GIVEN_BACK, owned_job="batchjob-7"))
    assert text
    assert "does not know the end, job batchjob-7. Look" in text


def test_a_claim_for_a_later_job_than_the_status_knows_counts() -> None:
    claim = replace(CLAIM, job_attempt=2)
    text = objection(terminated("Failed", submission=claim, owned_job="batchjob-7"))
    assert text
    assert "does not know the end, job batchjob-7. Look" in text
    assert objection(terminated("Failed", submission=CLAIM, owned_job="batchjob-1")) is None


@pytest.mark.parametrize(
    ("under_way", "state"),
    [
        (RunBefore("r-1", RunStatus(), "Pending", NO_CLAIM), f"it is {PENDING}"),
        (RunBefore("r-1", RunStatus.of(run()), "Running", NO_CLAIM), "it is Authorizing"),
        (RunBefore("r-1", RunStatus.of(run(status="Queued")), "Suspended", CLAIM), "it is Queued"),
    ],
)
def test_a_run_that_goes_on_is_not_repeated(under_way: RunBefore, state: str) -> None:
    text = objection(under_way)
    assert text
    assert text.startswith("Run r-1 goes on")
    assert state in text
    assert CONFIRM in text


@pytest.mark.parametrize(
    ("one", "never"),
    [
        (terminated(submission=NO_CLAIM), True),
        (before(Phase.FAILED, ErrorCode.TOKEN_UNAVAILABLE, submission=GIVEN_BACK), True),
        (terminated(), False),
        (terminated(submission=None), False),
        (terminated(submission=NO_CLAIM, owned_job="batchjob-7"), False),
        (before(Phase.FAILED, ErrorCode.JOB_FAILED, "Failed", submission=NO_CLAIM), False),
        (RunBefore("r-1", RunStatus(), "Pending", NO_CLAIM), False),
    ],
)
def test_only_a_run_that_ended_without_claim_and_job_must_not_submit_any_more(
    one: RunBefore, never: bool
) -> None:
    assert one.never_submits is never
