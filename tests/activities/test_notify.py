"""One try of a notification against a ledger and a fake task hub: which view is sent, and when none is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.notify import bp
from batch.names import NOTIFY
from batch.notification.settings import notification_settings
from batch.run.notification import Notified, Notify, Receiver, event_id
from batch.timestamps import format_timestamp
from ledger.errors import LedgerUnavailable
from ledger.runs import end_run
from local.notification_receiver import NotificationReceiver
from tests.batch.builders import START, after, custom_status, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, end
from tests.task_hub.conftest import session as session
from tests.task_hub.conftest import table as table
from tests.task_hub.task_hub import TaskHub, instance
from tests.triggers.functions import functions

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

_FUNCTION = functions(bp)[NOTIFY]
STATE = json.dumps(run(status="Running").to_json())


@pytest.fixture(autouse=True)
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotificationReceiver]:
    with NotificationReceiver(tmp_path / "received") as receiver:
        monkeypatch.setenv("NOTIFICATION_URL", receiver.url)
        notification_settings.cache_clear()
        yield receiver
    notification_settings.cache_clear()


async def notified(hub: TaskHub, started_at: datetime = START) -> Notified:
    asked = Notify(run_id="r-1", started_at=format_timestamp(started_at), receiver=Receiver.WEBHOOK)
    with hub.served():
        return Notified.from_json(await _FUNCTION(value=asked.to_json(), client=hub.binding))


def hub_with(**fields: Any) -> TaskHub:
    return TaskHub([instance("r-1", input=STATE, **fields)])


async def test_the_view_of_the_run_is_sent(table: CountingTable, receiver: NotificationReceiver) -> None:
    await added(table)
    assert await notified(hub_with()) == Notified(sent=True)
    [event] = receiver.accepted
    assert (event["type"], event["subject"]) == ("BatchEndpointRun.Completed", "r-1")
    assert event["id"] == event_id("r-1", format_timestamp(START))
    assert event["data"]["runtime_status"] == "Completed"


async def test_a_run_whose_history_was_purged_is_told_from_the_ledger(
    table: CountingTable, receiver: NotificationReceiver
) -> None:
    await end_run(table, await added(table), end("Failed", after(60)))
    assert await notified(TaskHub([])) == Notified(sent=True)
    [event] = receiver.accepted
    assert (event["type"], event["time"]) == ("BatchEndpointRun.Failed", format_timestamp(after(60)))


@pytest.mark.parametrize("phase_ended", [False, True])
async def test_a_run_that_goes_on_is_not_told(
    table: CountingTable, receiver: NotificationReceiver, phase_ended: bool
) -> None:
    await added(table)
    status = custom_status(run(status="Running"))
    if phase_ended:
        ended_at = format_timestamp(datetime.now(UTC) - timedelta(seconds=20))
        status = {**status, "phase": "Completed", "ended_at": ended_at}
    assert await notified(hub_with(runtimeStatus="Running", customStatus=status)) == Notified(not_ended=True)
    assert receiver.attempts == []


async def test_a_run_whose_orchestration_does_not_end_is_told_after_a_minute(
    table: CountingTable, receiver: NotificationReceiver
) -> None:
    await added(table)
    ended_at = format_timestamp(datetime.now(UTC) - timedelta(minutes=2))
    status = {**custom_status(run(status="Running")), "phase": "Completed", "ended_at": ended_at}
    assert await notified(hub_with(runtimeStatus="Running", customStatus=status)) == Notified(sent=True)
    assert len(receiver.accepted) == 1


@pytest.mark.parametrize("other", [None, START + timedelta(hours=1)])
async def test_a_run_that_was_purged_is_not_told_of(
    table: CountingTable, receiver: NotificationReceiver, other: datetime | None
) -> None:
    """Its id may have another run by now."""
    if other:
        await added(table, started_at=other)
    assert await notified(hub_with() if other else TaskHub([])) == Notified(gone=True)
    assert receiver.attempts == []


async def test_a_ledger_that_fails_is_asked_again_later(
    table: CountingTable, receiver: NotificationReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await added(table)

    async def fail(*_: object) -> None:
        raise LedgerUnavailable("it is busy")

    monkeypatch.setattr(table.table, "read", fail)
    answer = await notified(hub_with())
    assert answer.error and answer.error.retryable
    assert receiver.attempts == []


async def test_a_receiver_that_refuses_is_the_answer(
    table: CountingTable, receiver: NotificationReceiver
) -> None:
    await added(table)
    receiver.status = 410
    answer = await notified(hub_with())
    assert answer.error and not answer.error.retryable
    assert receiver.secret not in answer.error.message
    assert len(receiver.attempts) == 1
