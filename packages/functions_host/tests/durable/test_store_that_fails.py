"""A store that cannot be written for a while: the work goes on afterwards, and nothing is lost or doubled."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from azure.durable_functions import EntityId

from functions_host.durable import dispatcher
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.states import RuntimeStatus
from functions_host.durable.store.store import Store
from functions_host.durable.store.work_tables import WorkTables
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

TALLY = EntityId("tally", "k")
FULL = "database or disk is full"
LARGE = 200_000
"""Characters. A result of this size needs new pages of the file."""
VISIBILITY = timedelta(minutes=2)
AT_ONCE = 3
"""So many writes fail one after the other: the first one, and what is tried again."""


class Failures:
    """Which writes of the store fail; they are numbered from the moment that this is made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at_commit: bool) -> None:
        self._at_commit = at_commit
        self._failing = range(0)
        self.writes = 0
        self.failed = 0
        transaction = Store.transaction

        @contextmanager
        def observed(store: Store) -> Iterator[None]:
            fails = self.writes in self._failing
            self.writes += 1
            self.failed += fails
            if fails and not self._at_commit:
                raise sqlite3.OperationalError(FULL)
            with transaction(store):
                yield
                if fails:
                    raise sqlite3.OperationalError(FULL)

        monkeypatch.setattr(Store, "transaction", observed)

    def fail(self, first: int, count: int) -> None:
        """From now on: the write with number ``first``, and the following ones."""
        self.writes = self.failed = 0
        self._failing = range(first, first + count)

    def end(self) -> int:
        """How many writes have failed."""
        self._failing = range(0)
        return self.failed


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "RETRY_PAUSE", timedelta(milliseconds=1))


@pytest.fixture(params=["when it begins", "at its commit"])
def failures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Failures:
    return Failures(monkeypatch, request.param == "at its commit")


@pytest.fixture
def make_host(tmp_path: Path) -> Callable[[], Host]:
    made: list[Host] = []

    def make() -> Host:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        options = HubOptions(control_queue_visibility=VISIBILITY, work_item_queue_visibility=VISIBILITY)
        made.append(with_every_kind_of_work(Host(folder / "hub.db", options)))
        return made[-1]

    return make


def with_every_kind_of_work(host: Host) -> Host:
    @host.worker.activity
    def double(value):
        return 2 * value

    @host.worker.entity
    def tally(context):
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(None)

    @host.worker.orchestrator
    def child(context):
        return (yield context.call_activity("double", context.get_input()))

    @host.worker.orchestrator
    def everything(context):
        value = context.get_input()
        value = yield context.call_activity("double", value)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
        yield context.call_entity(TALLY, "add", 1)
        value = yield context.call_sub_orchestrator("child", value)
        if value < 10:
            context.continue_as_new(value)
        return value

    @host.worker.orchestrator
    def fills(context):
        first = yield context.call_activity("large", None)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
        second = yield context.call_activity("large", None)
        return len(first) + len(second)

    return host


async def started(host: Host, name: str, value: object = None) -> str:
    """A caller whose start fails tries again."""
    for _ in range(AT_ONCE):
        try:
            return await host.start(name, value)
        except sqlite3.OperationalError:
            continue
    return await host.start(name, value)


async def ends_well(host: Host, instance_id: str, failures: Failures, number: int) -> bool:
    """Whether writes have failed before the end, which is the right one.

    Two rounds of four: 1, 4, 16. Each round adds one to the entity.
    """
    assert host.hub
    state = await host.ended(instance_id)
    tallied = await host.hub.get_entity(TALLY.name, TALLY.key)
    failed = failures.end()
    await host.stop()
    assert (number, output(state), tallied and tallied.state) == (number, 16, "2")
    return bool(failed)


async def test_each_write_may_fail_some_times(make_host: Callable[[], Host], failures: Failures) -> None:
    number = 0
    while True:
        host = make_host()
        assert host.hub, "the store is open before its writes fail"
        failures.fail(number, AT_ONCE)
        if not await ends_well(host, await started(host, "everything", 1), failures, number):
            break
        number += 1
    assert number > 20


async def test_each_write_after_a_kill_may_fail_some_times(
    make_host: Callable[[], Host], failures: Failures
) -> None:
    number = 0
    while True:
        host = make_host()
        with host.frozen():
            instance_id = await host.start("everything", 1)
            await host.kill()
        assert host.hub, "the store is open before its writes fail"
        failures.fail(number, AT_ONCE)
        if not await ends_well(host, instance_id, failures, number):
            break
        number += 1
    assert number > 20


@pytest.mark.parametrize(
    ("pragma", "error"),
    # The first lets through what fits into the pages of the file, the second nothing.
    [("max_page_count = 1", FULL), ("query_only = 1", "attempt to write a readonly database")],
)
async def test_a_disk_that_takes_no_writes_for_a_while(
    make_host: Callable[[], Host], caplog: pytest.LogCaptureFixture, pragma: str, error: str
) -> None:
    host = make_host()
    running, may_end = 0, asyncio.Event()

    @host.worker.activity
    async def large(_):
        nonlocal running
        running += 1
        await may_end.wait()
        return "x" * LARGE

    count = 8
    instance_ids = [await host.start("fills") for _ in range(count)]
    await host.until(lambda: running == count)
    with caplog.at_level(logging.ERROR), host.frozen(), unwritable(host, pragma):
        may_end.set()
        # The results cannot be written, and then the release of their activities: each of them more than once.
        await host.until(lambda: caplog.text.count(error) > 10 * count)
        assert [await host.status(one) for one in instance_ids] == [RuntimeStatus.RUNNING] * count
    outputs = [output(await host.ended(instance_id)) for instance_id in instance_ids]
    await host.stop()

    assert outputs == [2 * LARGE] * count


@contextmanager
def unwritable(host: Host, pragma: str) -> Iterator[None]:
    assert host._store
    connection = host._store._connection
    name = pragma.partition(" ")[0]
    (before,) = connection.execute(f"PRAGMA {name}").fetchone()
    connection.execute(f"PRAGMA {pragma}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA {name} = {before}")


async def test_a_timer_fires_although_the_store_could_not_say_which_is_next(
    make_host: Callable[[], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make_host()
    assert host.hub
    next_due = WorkTables.next_due
    troubles = 6

    def troubled(tables: WorkTables) -> str | None:
        nonlocal troubles
        if troubles:
            troubles -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return next_due(tables)

    monkeypatch.setattr(WorkTables, "next_due", troubled)
    state = await host.run("everything", 1)
    await host.stop()

    assert (output(state), troubles) == (16, 0)


async def test_a_stop_that_cannot_release_its_messages_still_ends(
    make_host: Callable[[], Host], failures: Failures
) -> None:
    host = make_host()
    began = asyncio.Event()

    @host.worker.activity
    async def double(value):
        if not began.is_set():
            began.set()
            await asyncio.Event().wait()
        return 2 * value

    with host.frozen():
        instance_id = await host.start("everything", 3)
        await began.wait()
        waiter = asyncio.create_task(host.hub.wait(instance_id))
        await asyncio.sleep(0)
        failures.fail(0, 1)
        await host.stop(0)
        assert failures.failed == 1
        with pytest.raises(asyncio.CancelledError):
            await waiter

    assert output(await host.ended(instance_id)) == 12
    await host.stop()
