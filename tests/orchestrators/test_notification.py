"""The orchestration that tells a receiver, through the SDK's own replay."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from batch.names import NOTIFICATION, NOTIFY
from batch.run.notification import Notification, Notified, Receiver
from batch.run.steps import Failure
from batch.timestamps import format_timestamp
from orchestrators.notification import bp
from tests.batch.builders import START
from tests.orchestrators.execution import Execution, Handle, handle_of

STATE = Notification(run_id="r-1", started_at=format_timestamp(START), receiver=Receiver.WEBHOOK)
ASKED = {"run_id": "r-1", "started_at": format_timestamp(START), "receiver": "webhook"}
AWAY = Notified(error=Failure(code="service_unavailable", message="It is away.", retryable=True)).to_json()
REFUSED = Notified(error=Failure(code="service_unavailable", message="It answered 400.")).to_json()
SENT = Notified(sent=True).to_json()


@pytest.fixture(scope="session")
def notify_handle() -> Handle:
    return handle_of(bp, NOTIFICATION)


def begun(handle: Handle) -> Execution:
    """As the Python client starts it: JSON in a text."""
    return Execution(handle, json.dumps(STATE.to_json()), START, STATE.instance_id)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    own = (record for record in caplog.records if record.name == "orchestrators.notification")
    return [(record.levelno, record.getMessage()) for record in own]


def test_a_receiver_that_accepts_is_told_once(
    notify_handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    execution = begun(notify_handle)
    assert execution.answer.activity == (NOTIFY, ASKED)
    answer = execution.complete(SENT)
    assert (answer.done, answer.error, answer.output) == (True, None, {"sent": True, "tries": 1})
    assert lines(caplog) == [(logging.INFO, "notification_sent run=r-1 receiver=webhook tries=1")]


@pytest.mark.parametrize("crashes", [False, True])
def test_a_receiver_that_is_away_is_tried_for_a_day(
    notify_handle: Handle, caplog: pytest.LogCaptureFixture, crashes: bool
) -> None:
    caplog.set_level(logging.INFO)
    execution = begun(notify_handle)
    tries = 1
    while not _try(execution, crashes).ended:
        execution.fire()
        execution = execution.next()
        assert execution.answer.activity == (NOTIFY, ASKED)
        tries += 1
    assert timedelta(hours=23, minutes=50) < execution.now - START < timedelta(days=1)
    answer = execution.answer
    assert (answer.error, answer.output) == (None, {"sent": False, "tries": tries})
    reason = "notify crashed: " if crashes else "It is away."
    [(first, warning), (last, error)] = lines(caplog)
    assert (first, last) == (logging.WARNING, logging.ERROR)
    assert warning.startswith(f'notification_failed run=r-1 receiver=webhook tries=1 reason="{reason}')
    assert error.startswith(f'notification_given_up run=r-1 receiver=webhook tries={tries} reason="{reason}')


def _try(execution: Execution, crashes: bool) -> Any:
    return execution.fail("Activity function 'notify' failed:  oh") if crashes else execution.complete(AWAY)


def test_a_refusal_that_does_not_pass_ends_it_with_one_error(
    notify_handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    answer = begun(notify_handle).complete(REFUSED)
    assert (answer.error, answer.output) == (None, {"sent": False, "tries": 1})
    line = 'notification_given_up run=r-1 receiver=webhook tries=1 reason="It answered 400."'
    assert lines(caplog) == [(logging.ERROR, line)]


def test_a_run_that_is_about_to_end_and_a_turn_are_waited_for(
    notify_handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    execution = begun(notify_handle)
    for nothing_sent in (Notified(not_ended=True), Notified(no_turn=True)):
        assert not execution.complete(nothing_sent.to_json()).ended
        execution.fire()
        execution = execution.next()
    assert execution.now - START < timedelta(seconds=10)
    assert lines(caplog) == []
    execution.complete(AWAY)
    assert [line.partition(" ")[0] for _, line in lines(caplog)] == ["notification_failed"]
    execution.fire()
    answer = execution.next().complete(SENT)
    assert answer.output == {"sent": True, "tries": 4}


def test_a_run_that_was_purged_ends_it(notify_handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    answer = begun(notify_handle).complete(Notified(gone=True).to_json())
    assert (answer.error, answer.output) == (None, {"sent": False, "tries": 1})
    [(level, line)] = lines(caplog)
    assert (level, line.partition(" ")[0]) == (logging.ERROR, "notification_given_up")


def test_an_instance_that_was_started_with_something_else_fails_without_quoting_it(
    notify_handle: Handle,
) -> None:
    answer = Execution(notify_handle, json.dumps({"code=": "S3cr3tMarker"}), START, "notify:x").answer
    assert answer.error == "The input of this instance is not a notification."
