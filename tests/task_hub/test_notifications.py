"""Ends that are told: the orchestrations for the receivers are started with the end, or by housekeeping."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from batch.notification.settings import notification_settings
from batch.run.notification import Notification, Receiver
from batch.run.status import RunStatus
from batch.timestamps import format_timestamp
from ledger.notifications import noted_ends
from ledger.runs import delete_run, end_run, note_phase
from task_hub.notifications import end_and_notify, start_noted
from task_hub.progress import note_end
from task_hub.retention import purge_ended_before
from task_hub.runs import decoded_input
from task_hub.upkeep import look_after_runs
from tests.batch.builders import START, after
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, end, ended
from tests.task_hub.task_hub import TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

LIMIT = 100
SECRET = "S3cr3tMarker"
SETTINGS = {
    "NOTIFICATION_TOPIC": "https://runs.westeurope-1.eventgrid.azure.net/api/events",
    "NOTIFICATION_URL": f"https://example.com/hook?code={SECRET}",
}


@pytest.fixture(autouse=True)
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    notification_settings.cache_clear()
    yield
    notification_settings.cache_clear()


@pytest.fixture
def nobody(receivers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name)


def ids(run_id: str = "r-1", started_at: str = format_timestamp(START)) -> set[str]:
    return {
        Notification(run_id=run_id, started_at=started_at, receiver=receiver).instance_id
        for receiver in Receiver
    }


async def noted(table: CountingTable) -> list[str]:
    return [each.run_id for each in await noted_ends(table, "", LIMIT)]


async def house_is_kept(hub: TaskHub) -> None:
    with hub.served() as client:
        await look_after_runs(client, LIMIT, LIMIT)
        await start_noted(client, LIMIT)


async def test_the_last_step_of_a_run_starts_one_orchestration_for_each_receiver(
    table: CountingTable,
) -> None:
    await added(table)
    hub = TaskHub([])
    status = RunStatus(phase="Completed", ended_at=format_timestamp(after(60)))
    with hub.served() as client:
        await note_end(client, "r-1", status)
    assert set(hub.started) == ids()
    assert len(hub.started) == 2
    for receiver in Receiver:
        state = Notification(run_id="r-1", started_at=format_timestamp(START), receiver=receiver)
        started = hub.instances[state.instance_id]
        assert started["name"] == "notification"
        assert Notification.from_json(decoded_input(started["input"])) == state
        assert SECRET not in str(started)
    assert await noted(table) == []


async def test_without_receivers_the_end_is_one_write_and_nothing_is_started(
    table: CountingTable, nobody: None
) -> None:
    row = await added(table)
    hub = TaskHub([])
    table.reads = table.writes = table.queries = 0
    with hub.served() as client:
        await end_and_notify(client, table, row, end("Completed"))
        assert (table.reads, table.queries, table.writes) == (0, 0, 1)
        await start_noted(client, LIMIT)
    assert (table.reads, table.queries, table.writes) == (0, 0, 1)
    assert (hub.started, hub.asked) == ([], [])


@pytest.mark.parametrize("failing", [{"POST"}, {"GET", "POST"}])
async def test_an_end_that_the_task_hub_does_not_take_is_told_by_housekeeping(
    table: CountingTable, failing: set[str]
) -> None:
    row = await added(table)
    hub = TaskHub([])
    hub.failing |= failing
    with hub.served() as client:
        await end_and_notify(client, table, row, end("Completed"))
    assert hub.started == []
    assert await noted(table) == ["r-1"]
    hub.failing.clear()
    await house_is_kept(hub)
    assert set(hub.started) == ids()
    assert await noted(table) == []


async def test_the_end_does_not_wait_for_a_task_hub_that_hangs(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("task_hub.notifications.STARTS_FOR", timedelta(milliseconds=20))
    monkeypatch.setattr("task_hub.notifications.instance_status", hang)
    row = await added(table)
    with TaskHub([]).served() as client:
        async with asyncio.timeout(10):
            await end_and_notify(client, table, row, end("Completed"))
    assert await noted(table) == ["r-1"]


async def test_what_one_caller_has_started_is_not_started_again(table: CountingTable) -> None:
    """It was stopped before it could delete the note."""
    row = await added(table)
    await end_run(table, row, end("Completed"), notify=True)
    [first, second] = sorted(ids())
    hub = TaskHub([instance(first, name="notification", runtimeStatus="Completed")])
    await house_is_kept(hub)
    assert hub.started == [second]
    assert await noted(table) == []


async def test_one_end_that_cannot_be_told_does_not_stop_the_others(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("task_hub.notifications._PAGE", 2)
    for number in range(5):
        row = await added(table, f"r-{number}", after(number))
        await end_run(table, row, end("Completed"), notify=True)
    unreadable = Notification(run_id="r-3", started_at=format_timestamp(after(3)), receiver=Receiver.TOPIC)
    hub = TaskHub([])

    async def started(client: object, name: str, instance_id: str, value: object) -> None:
        if instance_id == unreadable.instance_id:
            raise RuntimeError("no luck")
        hub.started.append(instance_id)

    monkeypatch.setattr("task_hub.notifications.start_instance", started)
    with hub.served() as client:
        await start_noted(client, LIMIT)
    assert await noted(table) == ["r-3"]
    for number in (0, 1, 2, 4):
        assert ids(f"r-{number}", format_timestamp(after(number))) <= set(hub.started)


async def test_the_end_of_a_terminated_run_is_told(table: CountingTable) -> None:
    await added(table)
    terminated = {
        "runtimeStatus": "Terminated",
        "output": "by hand",
        "lastUpdatedTime": "2026-01-31T13:00:00Z",
    }
    hub = TaskHub([instance("r-1", **terminated)])
    await house_is_kept(hub)
    assert set(hub.started) == ids()


async def test_the_end_of_a_run_without_orchestration_is_told(table: CountingTable) -> None:
    row = await added(table)
    await note_phase(table, row, "Running")
    hub = TaskHub([])
    await house_is_kept(hub)
    assert set(hub.started) == ids()


async def test_a_run_that_was_purged_is_not_told(table: CountingTable) -> None:
    row = await added(table)
    await end_run(table, row, end("Completed"), notify=True)
    await delete_run(table, row)
    await ended(table, "r-1", "Completed", after(3_600))
    hub = TaskHub([])
    await house_is_kept(hub)
    assert (hub.started, await noted(table)) == ([], [])


async def test_orchestrations_of_notifications_are_purged(table: CountingTable) -> None:
    old = {
        "name": "notification",
        "createdTime": "2026-01-01T00:00:00Z",
        "lastUpdatedTime": "2026-01-02T00:00:00Z",
    }
    hub = TaskHub(
        [
            instance("notify:topic:1", **old),
            instance("notify:topic:2", **{**old, "lastUpdatedTime": "2026-03-02T00:00:00Z"}),
            instance("notify:topic:3", **old, runtimeStatus="Running"),
            instance("of-another-app", **{**old, "name": "other"}),
        ]
    )
    with hub.served() as client:
        assert await purge_ended_before(client, after(86_400), LIMIT) == 1
    assert sorted(hub.instances) == ["notify:topic:2", "notify:topic:3", "of-another-app"]
