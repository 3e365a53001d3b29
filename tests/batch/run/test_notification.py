from datetime import timedelta
from itertools import pairwise

import pytest

from batch.errors import ErrorCode
from batch.run.notification import GIVEN_UP_AFTER, Notification, Notified, Receiver, event_id
from batch.run.steps import Failure
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after

STATE = Notification(run_id="r-1", started_at=format_timestamp(START), receiver=Receiver.TOPIC).begun(START)


def failed(*, retryable: bool = True, retry_after: float | None = None) -> Notified:
    failure = Failure(
        code=ErrorCode.SERVICE_UNAVAILABLE,
        message="It is away.",
        retryable=retryable,
        retry_after=retry_after,
    )
    return Notified(error=failure)


@pytest.mark.parametrize("answer", [Notified(sent=True), Notified(gone=True), failed(retryable=False)])
def test_what_is_sent_or_cannot_be_sent_is_not_tried_again(answer: Notified) -> None:
    assert STATE.next_try_at(answer, START) is None


@pytest.mark.parametrize("answer", [Notified(not_ended=True), Notified(no_turn=True), failed()])
def test_the_pauses_double_up_to_five_minutes_for_a_day(answer: Notified) -> None:
    state, now, tries = STATE, START, [START]
    while due := state.next_try_at(answer, now):
        state, now = state.tried(answer), due
        tries.append(now)
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(tries)]
    assert pauses[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(pauses[9:]) == {300}
    assert GIVEN_UP_AFTER - timedelta(minutes=5) <= tries[-1] - START < GIVEN_UP_AFTER
    assert state.tries == len(pauses)
    assert state.failures == (len(pauses) if answer.error else 0)


def test_a_receiver_that_asks_for_a_longer_pause_gets_it() -> None:
    assert STATE.next_try_at(failed(retry_after=90), START) == after(90)
    assert STATE.next_try_at(failed(retry_after=1), START) == after(2)


def test_the_day_begins_with_the_first_try() -> None:
    state = STATE.begun(after(600))
    assert state.since == START
    assert Notification.from_json(state.to_json()) == state


def test_a_later_run_with_the_same_id_has_another_event_and_instance() -> None:
    later = STATE.model_copy(update={"started_at": format_timestamp(after(1))})
    assert event_id("r-1", later.started_at) != event_id("r-1", STATE.started_at)
    assert later.instance_id != STATE.instance_id


def test_the_instance_id_is_short_and_is_no_run_id() -> None:
    longest = STATE.model_copy(update={"run_id": "r" * 100, "receiver": Receiver.WEBHOOK})
    assert len(longest.instance_id) <= 100
    assert longest.instance_id.startswith("notify:")
    other = longest.model_copy(update={"receiver": Receiver.TOPIC})
    assert other.instance_id != longest.instance_id
