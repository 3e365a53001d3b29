import logging

import pytest

from batch.errors import ErrorCode
from batch.log import log_event
from batch.run.outcome import end_of
from batch.run.progress_log import log_progress
from batch.run.state import CancelCause, Run
from tests.batch.builders import after, problem, request, run

logger = logging.getLogger("tests.run_log")


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger=logger.name)


def test_an_event_is_one_line_of_named_values(caplog: pytest.LogCaptureFixture) -> None:
    log_event(logger, logging.INFO, "run_started", run="r-1", job=None, reason="a\nb", empty="", checks=0)
    assert caplog.messages == ['run_started run=r-1 reason="a b" empty="" checks=0']


def test_no_value_can_pass_for_another_field(caplog: pytest.LogCaptureFixture) -> None:
    log_event(
        logger, logging.ERROR, "x", blob='a.csv" run=other event="run_ended', folder="day=1", path="a\\b"
    )
    assert caplog.messages == [r'x blob="a.csv\" run=other event=\"run_ended" folder="day=1" path="a\\b"']


def test_a_logged_value_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    log_event(logger, logging.INFO, "x", reason="Bearer S3cr3tMarker", other="sig=S3cr3tMarker")
    assert "S3cr3tMarker" not in caplog.text


SUBMITTED = "job_submitted run=r-1 job=batchjob-1"
WITH_PROBLEM = run(status="Running", failures=1, problem=problem(ErrorCode.NOT_FOUND))
STEP_FAILED = 'step_failed run=r-1 job=batchjob-1 code=not_found failures=1 message="It went wrong."'


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
        (run(status="Running"), WITH_PROBLEM, [STEP_FAILED]),
        (WITH_PROBLEM, WITH_PROBLEM.model_copy(update={"failures": 2}), []),
    ],
)
def test_each_change_is_a_line(
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
