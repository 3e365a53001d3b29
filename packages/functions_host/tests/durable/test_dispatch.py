"""Leases, limits, and failures of the host itself."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from azure.durable_functions import EntityId

from functions_host.durable import dispatcher
from functions_host.durable.clock import RealClock
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.states import RuntimeStatus
from functions_host.durable.store.work_tables import WorkTables
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


async def test_an_activity_interrupted_by_a_stop_runs_again_and_has_not_failed(host: Host) -> None:
    starts: list[int] = []
    started = asyncio.Event()

    @host.worker.activity
    async def act(value):
        starts.append(value)
        started.set()
        if len(starts) == 1:
            await asyncio.Event().wait()
        return value

    @host.worker.orchestrator
    def orch(context):
        return (yield context.call_activity("act", 1))

    instance_id = await host.start("orch")
    await started.wait()
    await host.stop(grace_seconds=0)

    assert output(await host.ended(instance_id)) == 1
    assert starts == [1, 1]


async def test_a_stop_waits_for_work_that_soon_ends(host: Host) -> None:
    calls: list[str] = []
    running, nearly_done = asyncio.Event(), asyncio.Event()

    @host.worker.activity
    async def act(_):
        calls.append("begun")
        running.set()
        await nearly_done.wait()
        calls.append("done")

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("act", 1)

    instance_id = await host.start("orch")
    await running.wait()
    stop = asyncio.create_task(host.stop(grace_seconds=10))
    for _ in range(20):  # iterations of the loop, enough for a stop that does not wait
        await asyncio.sleep(0)
    nearly_done.set()
    await stop

    assert (await host.ended(instance_id)).runtime_status == RuntimeStatus.COMPLETED
    assert calls == ["begun", "done"]


@pytest.mark.parametrize("part", ["run_activity", "run_orchestrator", "run_entity"])
async def test_an_error_of_the_worker_itself_is_not_a_failure_and_is_tried_again(
    host: Host, part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dispatcher, "RETRY_PAUSE", timedelta(milliseconds=10))
    original = getattr(host.worker, part)
    troubles = 2

    async def troubled(*arguments: str) -> str | None:
        nonlocal troubles
        if troubles:
            troubles -= 1
            raise RuntimeError("worker is gone")
        return await original(*arguments)

    setattr(host.worker, part, troubled)

    @host.worker.activity
    def act(value):
        return value

    @host.worker.entity
    def thing(context):
        context.set_result(2)

    @host.worker.orchestrator
    def orch(context):
        first = yield context.call_activity("act", 1)
        return [first, (yield context.call_entity(EntityId("thing", "k"), "get"))]

    with caplog.at_level(logging.ERROR):
        instance_id = await host.start("orch")
        state = await host.ended(instance_id)

    assert output(state) == [1, 2]
    assert caplog.text.count("RuntimeError: worker is gone") == 2


async def test_no_more_activities_than_allowed_run_at_once(tmp_path: Path) -> None:
    host = Host(tmp_path / "hub.db", HubOptions(max_concurrent_activities=3))
    running = peak = 0

    @host.worker.activity
    async def act(_):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.001)
        running -= 1

    @host.worker.orchestrator
    def orch(context):
        yield context.task_all([context.call_activity("act", n) for n in range(20)])

    await host.run("orch")
    await host.stop()

    assert peak == 3


async def test_queued_activities_of_a_purged_instance_do_not_run(tmp_path: Path) -> None:
    host = Host(tmp_path / "hub.db", HubOptions(max_concurrent_activities=1))
    ran: list[str] = []
    gate = asyncio.Event()

    @host.worker.activity
    async def act(name):
        ran.append(name)
        await gate.wait()

    @host.worker.orchestrator
    def orch(context):
        yield context.task_all([context.call_activity("act", context.instance_id) for _ in range(3)])

    for name in ("first", "purged", "last"):
        await host.start("orch", instance_id=name)
    await host.until(lambda: ran)
    await host.until(lambda: len(host.worker.contexts) == 3)
    await host.hub.terminate("purged", "")
    await host.ended("purged")
    await host.hub.purge("purged")
    gate.set()
    await host.ended("first")
    await host.ended("last")
    await host.stop()

    assert ran == ["first"] * 3 + ["last"] * 3


async def test_a_short_lease_is_renewed_while_the_activity_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = timedelta(seconds=0.02)
    host = Host(
        tmp_path / "hub.db", HubOptions(control_queue_visibility=brief, work_item_queue_visibility=brief)
    )
    host.clock = RealClock()
    calls: list[int] = []
    renewals: list[int] = []
    renewed_twice = asyncio.Event()
    hide = WorkTables.hide_activities

    def noted(tables: WorkTables, ids: Iterable[int], until: str | None) -> None:
        renewals.extend(ids)
        if len(renewals) >= 2:
            renewed_twice.set()
        hide(tables, ids, until)

    monkeypatch.setattr(WorkTables, "hide_activities", noted)

    @host.worker.activity
    async def act(value):
        calls.append(value)
        await renewed_twice.wait()

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("act", 1)

    await host.run("orch")
    await host.stop()

    assert calls == [1]
    assert len(set(renewals)) == 1


async def test_waiting_instances_are_not_touched(host: Host) -> None:
    @host.worker.orchestrator
    def waits(context):
        yield context.wait_for_external_event("never")

    for _ in range(50):
        await host.start("waits")
    await host.until_idle()
    await host.stop()
    host.worker.contexts.clear()
    await host.until_idle()

    assert host.worker.contexts == []
