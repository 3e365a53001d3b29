"""Starts of one id at the same time: all succeed, and the last one remains."""

import asyncio
import json
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from functions_host.durable import task_hub
from functions_host.durable.events import EventType
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.states import InstanceState, RuntimeStatus
from functions_host.durable_http.api import DurableApi
from functions_host.worker.client_binding import WEBHOOK_PATH
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

HOUR = timedelta(hours=1)


class Gaps:
    """The gaps of the starts, in the order of their beginning. The test ends each one."""

    def __init__(self) -> None:
        self._gates: list[asyncio.Event] = []
        self._starts: list[asyncio.Task[Any]] = []

    async def wait(self) -> None:
        gate = asyncio.Event()
        self._gates.append(gate)
        await gate.wait()

    async def begin(self, host: Host, *starts: Coroutine[Any, Any, Any]) -> None:
        """Each start has read that it may start, and has not written."""
        expected = len(self._starts) + len(starts)
        self._starts.extend(map(asyncio.create_task, starts))
        await host.until(lambda: len(self._gates) == expected)

    async def end(self, number: int) -> None:
        self._gates[number].set()
        await self._starts[number]


@pytest.fixture
def gaps(monkeypatch: pytest.MonkeyPatch) -> Gaps:
    gaps = Gaps()
    monkeypatch.setattr(task_hub, "storage_round_trip", gaps.wait)
    return gaps


def with_an_orchestrator_that_returns_its_input(host: Host) -> None:
    """After the event ``go``."""

    @host.worker.orchestrator
    def orch(context):
        yield context.wait_for_external_event("go")
        return context.get_input()


async def ended_with_one_of(host: Host, instance_id: str, inputs: set[str]) -> InstanceState:
    await host.raise_event(instance_id, "go")
    state = await host.ended(instance_id)
    assert output(state) in inputs
    kinds = await host.kinds(instance_id)
    assert kinds.count(EventType.EXECUTION_STARTED) == kinds.count(EventType.EXECUTION_COMPLETED) == 1
    return state


async def test_six_posts_for_one_id_are_all_accepted_and_the_last_one_remains(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_an_orchestrator_that_returns_its_input(host)
    inputs = {f"input {number}" for number in range(6)}
    barrier = asyncio.Barrier(len(inputs))
    monkeypatch.setattr(task_hub, "storage_round_trip", barrier.wait)
    app = web.Application()
    app.router.add_post(WEBHOOK_PATH + "{tail:.*}", DurableApi(host.hub, "hub").handle)
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:

        async def post(text: str) -> int:
            # The durable client sends JSON inside a JSON string.
            async with session.post(f"{WEBHOOK_PATH}/orchestrators/orch/one", json=f'"{text}"') as answer:
                return answer.status

        async with asyncio.timeout(10):
            statuses = await asyncio.gather(*map(post, inputs))
            again = await post("too late")

    assert statuses == [202] * 6
    assert again == 409
    await ended_with_one_of(host, "one", inputs)
    await host.until_idle()
    assert host.hub.is_idle


async def test_forty_ids_started_six_times_each_end_once(host: Host) -> None:
    with_an_orchestrator_that_returns_its_input(host)
    ids = [f"run-{number}" for number in range(40)]
    inputs = {f"input {number}" for number in range(6)}

    await asyncio.gather(
        *(host.start("orch", text, instance_id=instance_id) for text in inputs for instance_id in ids)
    )
    states = [await ended_with_one_of(host, instance_id, inputs) for instance_id in ids]
    await host.until_idle()

    assert {state.runtime_status for state in states} == {RuntimeStatus.COMPLETED}
    assert all(json.loads(json.loads(state.input or "")) == output(state) for state in states)


async def test_other_requests_are_served_between_the_read_and_the_write_of_a_start(host: Host) -> None:
    with_an_orchestrator_that_returns_its_input(host)
    start = asyncio.create_task(host.start("orch", 1, instance_id="one"))
    await asyncio.sleep(0)

    assert await host.hub.get("one") is None
    await start
    assert await host.hub.get("one") is not None


async def test_virtual_time_stands_still_in_the_gap(host: Host, gaps: Gaps) -> None:
    with_an_orchestrator_that_returns_its_input(host)
    waiter = asyncio.create_task(host.clock.sleep_until(host.clock.now() + HOUR))
    began = host.clock.now()
    await gaps.begin(host, host.start("orch", 1, instance_id="one"))
    for _ in range(5):
        await asyncio.sleep(0)
    await gaps.end(0)

    state = await host.hub.get("one")
    assert state is not None
    assert state.created_at == began
    await waiter


async def test_a_restart_has_the_gap_too(host: Host, gaps: Gaps) -> None:
    with_an_orchestrator_that_returns_its_input(host)
    await gaps.begin(host, host.start("orch", "old", instance_id="one"))
    await gaps.end(0)
    await ended_with_one_of(host, "one", {"old"})
    await gaps.begin(host, host.start("orch", "new", instance_id="one"), host.hub.restart("one", "one"))
    await gaps.end(1)
    await host.until_idle()
    assert await host.status("one") is RuntimeStatus.RUNNING
    await gaps.end(2)

    await ended_with_one_of(host, "one", {"old"})


async def test_an_activity_of_a_replaced_execution_that_answers_late_changes_nothing(
    host: Host, gaps: Gaps
) -> None:
    running: list[str] = []
    ended: list[str] = []
    may_end = {"early": asyncio.Event(), "late": asyncio.Event()}

    @host.worker.activity
    async def act(name):
        running.append(name)
        await may_end[name].wait()
        ended.append(name)
        return name

    @host.worker.orchestrator
    def orch(context):
        return (yield context.call_activity("act", context.get_input()))

    starts = (host.start("orch", name, instance_id="one") for name in may_end)
    await gaps.begin(host, *starts)
    await gaps.end(0)
    await host.until(lambda: running == ["early"])
    await gaps.end(1)
    # The second activity does not wait for the first one, which holds its lease still.
    await host.until(lambda: running == ["early", "late"])
    may_end["early"].set()
    await host.until(lambda: ended == ["early"])
    may_end["late"].set()

    assert output(await host.ended("one")) == "late"
    await host.until_idle()
    assert (await host.kinds("one")).count(EventType.TASK_COMPLETED) == 1
    # One episode of the replaced execution, two of the new one: the late answer caused none.
    assert len(host.worker.contexts) == 3


async def test_what_a_replaced_execution_waits_for_does_not_reach_the_new_one(host: Host, gaps: Gaps) -> None:
    @host.worker.orchestrator
    def child(context):
        return (yield context.wait_for_external_event("answer"))

    @host.worker.orchestrator
    def orch(context):
        name = context.get_input()
        began = context.current_utc_datetime
        timer = context.create_timer(began + (HOUR if name == "early" else 2 * HOUR))
        answer = context.call_sub_orchestrator("child", instance_id=f"child of {name}")
        event = context.wait_for_external_event("go")
        yield context.task_all([timer, answer, event])
        return [answer.result, event.result, (context.current_utc_datetime - began) / HOUR]

    with host.frozen():
        await gaps.begin(host, *(host.start("orch", name, instance_id="one") for name in ("early", "late")))
        await gaps.end(0)
        await host.until_idle()
        await host.raise_event("one", "go", "to early")
        await host.until_idle()
        await gaps.end(1)
        await host.until_idle()
        await host.raise_event("child of early", "answer", "early")
        await host.ended("child of early")
        await host.until_idle()
    await host.until(lambda: host.hub.is_idle and host.clock.now().hour == 2)
    assert await host.status("one") is RuntimeStatus.RUNNING
    await host.raise_event("child of late", "answer", "late")
    await host.raise_event("one", "go", "to late")

    assert output(await host.ended("one")) == ["late", "to late", 2]
    assert (await host.kinds("one")).count(EventType.TIMER_FIRED) == 1


async def test_the_answer_of_an_episode_whose_execution_is_replaced_is_dropped(
    host: Host, gaps: Gaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    @host.worker.orchestrator
    def orch(context):
        return context.get_input()
        yield

    asked: list[str] = []
    may_answer = asyncio.Event()
    run = host.worker.run_orchestrator

    async def slow_at_first(name: str, context_json: str, trace: Any) -> str:
        asked.append(name)
        if len(asked) == 1:
            await may_answer.wait()
        return await run(name, context_json, trace)

    monkeypatch.setattr(host.worker, "run_orchestrator", slow_at_first)
    await gaps.begin(host, *(host.start("orch", name, instance_id="one") for name in ("early", "late")))
    await gaps.end(0)
    await host.until(lambda: asked)
    await gaps.end(1)
    may_answer.set()

    assert output(await host.ended("one")) == "late"
    assert len(asked) == 2


async def test_a_start_that_writes_after_the_stop_runs_at_once_in_the_next_host(
    host: Host, gaps: Gaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    @host.worker.orchestrator
    def orch(context):
        return context.current_utc_datetime.isoformat()
        yield

    began = host.clock.now()
    await gaps.begin(host, host.start("orch", instance_id="one"))
    await host.hub.stop(0)
    await gaps.end(0)
    # A host stops its hub once; the file is closed after the last request.
    monkeypatch.setattr(host.hub, "stop", AsyncMock())
    await host.stop()

    assert output(await host.ended("one")) == began.isoformat()


async def test_a_start_can_replace_an_instance_whose_end_a_killed_host_did_not_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(tmp_path / "hub.db", HubOptions(overridable_states="AnyState"))

    @host.worker.orchestrator
    def orch(context):
        return context.get_input()
        yield

    monkeypatch.setattr(KillPoint, "kill", lambda _: None)
    host.kill_point = KillPoint(1)
    with host.frozen():
        await host.start("orch", "early", instance_id="one")
        await host.until_idle()
        await host.kill()
        host.kill_point = None
        await host.start("orch", "late", instance_id="one")
        assert output(await host.ended("one")) == "late"
    await host.stop()
