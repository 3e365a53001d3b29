"""A Functions host in this process: it connects settings, language worker, durable engine and HTTP server."""

import os
import socket
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from functions_host.durable.clock import Clock, RealClock
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.language_worker import Worker
from functions_host.durable.store.store import Store
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.durable_http.api import DurableApi
from functions_host.http.server import Handler, Handlers, listening_socket, serve
from functions_host.http.triggers import HttpRoute, HttpTriggers, http_routes
from functions_host.settings import HostSettings, expand_settings, load_settings
from functions_host.telemetry.export import span_sink
from functions_host.triggers.event_grid import EventGridWebhook
from functions_host.triggers.manual_runs import ManualRuns
from functions_host.triggers.timer import TimerTriggers, timers
from functions_host.triggers.timer_status import TimerStatusFile
from functions_host.worker.client_binding import durable_client_value
from functions_host.worker.functions import FunctionDefinition
from functions_host.worker.invocations import Invocations
from functions_host.worker.python_worker import PythonWorker


class StoreError(Exception):
    """The store cannot be opened. The text says which and why."""


class FunctionsHost:
    """Serves the app in ``app_dir`` and keeps its task hub in the SQLite file ``store``.

    ``port`` 0 takes a free port; None takes ``LocalHttpPort`` of local.settings.json, else 7071. Use as
    ``async with FunctionsHost(…) as host`` or with ``start`` and ``stop``. A process can load one app only,
    but it can stop its host and start it again.
    """

    def __init__(
        self,
        app_dir: Path,
        store: Path,
        port: int | None = None,
        address: str = "127.0.0.1",
        clock: Clock | None = None,
        kill_point: KillPoint | None = None,
    ) -> None:
        self._app_dir = app_dir.resolve()
        self._store = store.resolve()
        self._port = port
        self._address = address
        self._clock = clock or RealClock()
        self._kill_point = kill_point
        self._running = AsyncExitStack()
        self.url = ""
        self.settings: HostSettings
        self.functions: Sequence[FunctionDefinition] = ()
        self.routes: Sequence[HttpRoute] = ()

    async def start(self) -> None:
        """Returns when the host answers requests.

        Raises SettingsError, PortInUseError, IndexingError, RouteTemplateError, ScheduleError,
        StoreInUseError, StoreVersionError or StoreError, after it has closed whatever it opened.
        """
        async with AsyncExitStack() as starting:
            self.settings = load_settings(self._app_dir)
            port = self.settings.local_port if self._port is None else self._port
            listener = listening_socket(self._address, port)
            starting.callback(listener.close)
            store = _open_store(self._store)
            starting.callback(store.close)
            self.url = _origin(listener)
            worker = await PythonWorker.load(self._app_dir, self._client_value)
            starting.push_async_callback(worker.stop)
            self.functions = worker.functions
            self.routes = http_routes(worker.functions, self.settings.route_prefix)
            spans = span_sink(self.settings, os.environ)
            if spans is not None:
                starting.callback(spans.close)
            invocations = Invocations(worker.invoke, spans)
            durable_worker = self.durable_worker(worker)
            hub = DurableTaskHub(
                store, durable_worker, self.settings.hub, self._clock, spans, self._kill_point
            )
            statuses = TimerStatusFile(self._store.with_suffix(".timers.json"))
            schedules = TimerTriggers(timers(worker.functions), invocations.invoke_for_event, statuses)
            by_hand = ManualRuns(worker.functions, invocations.invoke_for_event, schedules.run_by_hand)
            starting.push_async_callback(by_hand.stop)
            handlers = Handlers(
                durable_api=self.management_api(hub),
                event_grid=EventGridWebhook(worker.functions, invocations.invoke_for_event).handle,
                manual_runs=by_hand.handle,
                http_triggers=HttpTriggers(self.routes, invocations).handle,
            )
            runner = await serve(listener, handlers)
            starting.push_async_callback(runner.cleanup)
            # The hub begins last: the functions that it resumes may call the management API at once.
            hub.begin()
            starting.push_async_callback(hub.stop)
            schedules.begin()
            starting.push_async_callback(schedules.stop)
            self._running = starting.pop_all()

    async def stop(self) -> None:
        await self._running.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def durable_worker(self, worker: Worker) -> Worker:
        """What runs the durable functions. A subclass can wrap it, for example to observe the invocations."""
        return worker

    def management_api(self, hub: DurableTaskHub) -> Handler:
        """What answers the management API. A subclass can wrap it, too."""
        return DurableApi(hub, self.settings.hub.hub_name).handle

    def _client_value(self, binding: Mapping[str, Any]) -> str:
        own_hub = self.settings.hub.hub_name
        return durable_client_value(self.url, expand_settings(binding.get("taskHub") or own_hub, os.environ))


def _open_store(path: Path) -> Store:
    try:
        return Store(path)
    except (OSError, sqlite3.DatabaseError) as error:
        raise StoreError(f"Cannot open {path}: {error}.") from error


def _origin(listener: socket.socket) -> str:
    address, port = listener.getsockname()
    return f"http://{'127.0.0.1' if address == '0.0.0.0' else address}:{port}"  # noqa: S104
