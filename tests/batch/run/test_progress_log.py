import logging

import pytest

from batch.errors import ErrorCode
from batch.run.outcome import end_of
from batch.run.progress_log import log_progress
from batch.run.state import CancelCause, Run
from batch.run.steps import Job, JobReason
from tests.batch.builders import after, canceling, failure, request, run

logger = logging.getLogger("tests.run_log")


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger=logger.name)


SUBMITTED = "job_submitted run=r-1 job=batchjob-1"
AFTER_FAILURE = run(status="Running", failures=1, problem=failure(ErrorCode.NOT_FOUND))
STEP_FAILED = 'step_failed run=r-1 job=batchjob-1 code=not_found failures=1 message="It went wrong."'

AFTER_FIRST_JOB = run(status="Failed").with_next_job(
    Job(name="batchjob-1", status="Failed"), JobReason(code="ServiceError", message="It is busy."), after(90)
)
JOB_RETRIED = 'job_retried run=r-1 job=batchjob-1 next_attempt=2 code=ServiceError message="It is busy."'


@pytest.mark.parametrize(
    ("before", "now", "lines"),
    [
        (run(), run(), []),
        (run(status="Running"), run(status="Running", checks=5, last_check_at=after(90)), []),
        (
            run(),
            run(status="Preparing"),
            [SUBMITTED, "job_status run=r-1 job=batchjob-1 status=Preparing checks=0"],
        ),
        (
            run(status="Queued"),
            run(status="Running"),
            ["job_status run=r-1 job=batchjob-1 status=Running checks=0"],
        ),
        (
            run(status="Running"),
            run(status="Running").canceling(CancelCause.TIMEOUT, after(60)),
            ["job_cancel_requested run=r-1 job=batchjob-1 cause=timeout"],
        ),
        (run(status="Running"), AFTER_FAILURE, [STEP_FAILED]),
        (run(status="Running"), AFTER_FIRST_JOB, [JOB_RETRIED]),
        (AFTER_FIRST_JOB, AFTER_FIRST_JOB, []),
        (AFTER_FAILURE, AFTER_FAILURE.model_copy(update={"failures": 2}), []),
    ],
)
def test_each_change_is_logged_as_one_line(
    before: Run, now: Run, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    log_progress(logger, "r-1", before, now)
    assert caplog.messages == lines


@pytest.mark.parametrize(
    ("status", "level", "outcome"),
    [
        ("Completed", logging.INFO, "outcome=Completed checks=3"),
        ("Failed", logging.ERROR, 'outcome=Failed checks=3 reason="Job batchjob-1 failed.'),
        ("Canceled", logging.ERROR, 'outcome=Canceled checks=3 reason="Job batchjob-1 was canceled'),
    ],
)
def test_the_end_is_logged_with_its_reason(
    status: str, level: int, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    ended = run(status=status, asked=request(), checks=3)
    log_progress(logger, "r-1", ended, ended, end_of(ended, after(60)))
    assert caplog.records[-1].levelno == level
    assert caplog.messages[-1].startswith(f"run_ended run=r-1 job=batchjob-1 {outcome}")


@pytest.mark.parametrize(
    "ended",
    [
        run(status="Canceled", **canceling(CancelCause.REQUEST, 20, gives_up_at=1_820)),
        run(canceled_before_submission=True),
    ],
)
def test_a_cancel_that_was_asked_for_is_not_logged_as_an_error(
    ended: Run, caplog: pytest.LogCaptureFixture
) -> None:
    log_progress(logger, "r-1", ended, ended, end_of(ended, after(60)))
    assert "outcome=Canceled" in caplog.messages[-1]
    assert 'reason="Canceled on request' in caplog.messages[-1]
    assert caplog.records[-1].levelno == logging.INFO


@pytest.mark.parametrize("status", ["Failed", "Running", "CancelRequested"])
def test_any_other_end_of_a_run_that_was_to_be_canceled_is_an_error(
    status: str, caplog: pytest.LogCaptureFixture
) -> None:
    ended = run(status=status, **canceling(CancelCause.REQUEST, 20, gives_up_at=1_820))
    log_progress(logger, "r-1", ended, ended, end_of(ended, after(1_820)))
    assert caplog.records[-1].levelno == logging.ERROR


def test_tags_stand_behind_the_fields_and_before_a_text_that_goes_to_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The queries of docs/watching.md read the first ``outcome=`` and all behind ``reason=``."""
    asked = request(tags={"team": "fraud", "outcome": "a b"})
    before, ended = run(asked=asked), run(status="Failed", asked=asked, checks=3)
    log_progress(logger, "r-1", before, ended, end_of(ended, after(60)))
    tags = 'tag.team=fraud tag.outcome="a b"'
    assert caplog.messages[0] == f"job_submitted run=r-1 job=batchjob-1 {tags}"
    assert caplog.messages[1] == f"job_status run=r-1 job=batchjob-1 status=Failed checks=3 {tags}"
    assert caplog.messages[2].startswith(
        f'run_ended run=r-1 job=batchjob-1 outcome=Failed checks=3 {tags} reason="Job'
    )
    caplog.clear()
    failed = run(asked=asked, failures=1, problem=failure(ErrorCode.NOT_FOUND))
    log_progress(logger, "r-1", before, failed)
    assert caplog.messages == [
        f'step_failed run=r-1 code=not_found failures=1 {tags} message="It went wrong."'
    ]
