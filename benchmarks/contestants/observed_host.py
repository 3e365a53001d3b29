"""A local host that records what its app costs: invocations, requests to the management API, calls of the ledger.

It also times the claims: from the start of the activity that submits until its POST is given to the HTTP library.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import requests
from aiohttp import web

from batch.azure_ml.endpoint import RUN_ID_TAG
from benchmarks.storage_cost import (
    Invocation,
    ManagementRequest,
    Work,
    waits_for_next_check,
    work_of_invocations,
    work_of_request,
)
from functions_host.durable.language_worker import InvocationError, Worker
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.host import FunctionsHost
from functions_host.http.server import Handler
from functions_host.telemetry.trace_context import TraceContext
from functions_host.worker.client_binding import WEBHOOK_PATH
from ledger.sqlite_table import SqliteTable
from ledger.storage_table import StorageTable


class Record:
    """``claims`` has seconds by run id, ``posts`` the run id of each POST.

    ``steps`` has by instance id when the last activity began, by ``time.monotonic``.
    ``waiting`` counts how often a run began to wait for its next check.
    """

    def __init__(self) -> None:
        self.invocations: list[Invocation] = []
        self.requests: list[ManagementRequest] = []
        self.ledger: Counter[Work] = Counter()
        self.claims: dict[str, float] = {}
        self.posts: list[str] = []
        self.steps: dict[str, float] = {}
        self.waiting = 0
        self.failure: InvocationError | None = None

    def add(self, kind: str, data: str, answer: str | None) -> None:
        self.invocations.append(one := Invocation(kind, data, answer))
        self.waiting += waits_for_next_check(one)

    def take(self) -> Counter[Work]:
        """The work since the last call."""
        work = work_of_invocations(self.invocations)
        for request in self.requests:
            if kind := work_of_request(request):
                work[kind] += 1
        work.update(self.ledger)
        self.invocations.clear()
        self.requests.clear()
        self.ledger.clear()
        return work


class ObservedHost(FunctionsHost):
    """Serves the app in ``app_dir`` as its base class does. ``hub`` is there while it runs."""

    def __init__(self, app_dir: Path, store: Path, record: Record) -> None:
        super().__init__(app_dir, store, port=0)
        self._record = record
        self.hub: DurableTaskHub

    def durable_worker(self, worker: Worker) -> Worker:
        return _ObservedWorker(worker, self._record)

    def management_api(self, hub: DurableTaskHub) -> Handler:
        self.hub, handle = hub, super().management_api(hub)

        async def recorded(request: web.Request) -> web.Response:
            path = request.path.removeprefix(WEBHOOK_PATH)
            self._record.requests.append(ManagementRequest(request.method, path))
            return await handle(request)

        return recorded


class _ObservedWorker:
    """Implements ``Worker`` by another one."""

    def __init__(self, worker: Worker, record: Record) -> None:
        self._worker = worker
        self._record = record

    @property
    def orchestrators(self) -> Collection[str]:
        return self._worker.orchestrators

    @property
    def activities(self) -> Collection[str]:
        return self._worker.activities

    @property
    def entities(self) -> Collection[str]:
        return self._worker.entities

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str:
        try:
            answer = await self._worker.run_orchestrator(name, context_json, trace)
        except InvocationError as error:
            self._record.failure = error
            self._record.add("orchestrationTrigger", context_json, None)
            raise
        self._record.add("orchestrationTrigger", context_json, answer)
        return answer

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None:
        self._record.steps[instance_id] = time.monotonic()
        self._record.add("activityTrigger", input_json, None)
        return await self._worker.run_activity(name, input_json, instance_id, trace)

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str:
        self._record.add("entityTrigger", batch_json, None)
        return await self._worker.run_entity(name, batch_json, trace)


def count_calls_of_ledger(record: Record) -> None:
    """For the rest of this process, because the app opens its ledger by itself."""
    calls = {"read": Work.LEDGER_READ, "rows": Work.LEDGER_READ, "write": Work.LEDGER_WRITE}
    for table in (SqliteTable, StorageTable):
        for name, kind in calls.items():
            setattr(table, name, _counted(getattr(table, name), kind, record.ledger))


def time_posts(record: Record, scoring_uri: str) -> None:
    """For the rest of this process, because the app opens its connections by itself."""
    send = requests.Session.send

    def timed(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        now = time.monotonic()
        if request.method == "POST" and request.url == scoring_uri:
            run_id = json.loads(request.body or "")["properties"]["tags"][RUN_ID_TAG]
            record.claims[run_id] = now - record.steps[run_id]
            record.posts.append(run_id)
        return send(session, request, **options)

    setattr(requests.Session, "send", timed)  # noqa: B010 - mypy refuses the assignment


def _counted(method: Callable[..., Any], kind: Work, calls: Counter[Work]) -> Callable[..., Any]:
    async def counted(*arguments: Any) -> Any:
        calls[kind] += 1
        return await method(*arguments)

    return counted
