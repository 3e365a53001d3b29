import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from functions_host.durable.clock import VirtualClock
from functions_host.durable.events import EventType
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.states import InstanceState, RuntimeStatus
from functions_host.durable.store.store import Store
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.telemetry.spans import SpanSink
from packages.functions_host.tests.durable.sdk_worker import SdkWorker


class Host:
    """A task hub with the SDK as its worker, on virtual time.

    Add functions to ``worker``, and set the sink ``spans``, before the first use of ``hub``. After ``stop`` the
    next use of ``hub`` opens the same file again, as a restarted host does.
    """

    def __init__(self, path: Path, options: HubOptions) -> None:
        self.path = path
        self.options = options
        self.worker = SdkWorker()
        self.clock = VirtualClock()
        self.spans: SpanSink | None = None
        self.kill_point: KillPoint | None = None
        self._store: Store | None = None
        self._hub: DurableTaskHub | None = None

    @property
    def hub(self) -> DurableTaskHub:
        if self._hub is None:
            self._store = Store(self.path)
            self._hub = DurableTaskHub(
                self._store, self.worker, self.options, self.clock, self.spans, self.kill_point
            )
            self._hub.begin()
        return self._hub

    async def stop(self, grace_seconds: float = 0.2) -> None:
        if self._hub is not None and self._store is not None:
            await self._hub.stop(grace_seconds)
            self._store.close()
        self._hub = self._store = None

    async def kill(self) -> None:
        """Keeps the file as it is at this moment, as a kill does. Virtual time must be frozen."""
        kept = self.path.parent / "killed"
        kept.mkdir()
        for file in self.path.parent.glob(f"{self.path.name}*"):
            shutil.copy(file, kept)
        await self.stop(0)
        for file in self.path.parent.glob(f"{self.path.name}*"):
            file.unlink()
        for file in kept.iterdir():
            file.rename(self.path.parent / file.name)
        kept.rmdir()

    async def start(self, name: str, input_value: Any = None, **kwargs: Any) -> str:
        """Like the Python client: the input is JSON inside a JSON string."""
        text = None if input_value is None else json.dumps(json.dumps(input_value))
        return await self.hub.start(name, text, **kwargs)

    async def ended(self, instance_id: str) -> InstanceState:
        return await self.hub.wait(instance_id, 10)

    async def run(self, name: str, input_value: Any = None, **kwargs: Any) -> InstanceState:
        return await self.ended(await self.start(name, input_value, **kwargs))

    async def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """Like a caller of the HTTP API: the data of the event is the JSON body."""
        await self.hub.raise_event(instance_id, name, json.dumps(value))

    def frozen(self) -> AbstractContextManager[None]:
        """Virtual time stands still."""
        return self.clock.working()

    async def status(self, instance_id: str) -> RuntimeStatus:
        state = await self.hub.get(instance_id)
        assert state is not None
        return state.runtime_status

    async def kinds(self, instance_id: str) -> list[EventType]:
        return [EventType(event["EventType"]) for event in await self.hub.history(instance_id)]

    async def until(self, condition: Callable[[], Any]) -> None:
        """Lets the hub work until the condition is true."""
        async with asyncio.timeout(10):
            while True:
                result = condition()
                if await result if asyncio.iscoroutine(result) else result:
                    return
                await asyncio.sleep(0)

    async def until_idle(self) -> None:
        """Waits until no work is running. Virtual time then advances, unless the test holds the clock."""
        await self.until(lambda: self.hub.is_idle)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    host = Host(tmp_path / "hub.db", HubOptions(default_version="1.0"))
    yield host
    await host.stop()
