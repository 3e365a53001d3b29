import logging

import pytest

from batch.log import log_event

logger = logging.getLogger("tests.log")


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
