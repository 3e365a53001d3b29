"""Makes worlds: each with a plan of faults, an empty task hub, an empty ledger, and a clock of its own."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure.core.credentials import AccessToken

from batch.azure_ml import identity, job_search
from batch.azure_ml.known_jobs import KnownJobs
from batch.settings import app_settings
from ledger.sqlite_table import SqliteTable
from task_hub import ledger as ledger_of_hub
from tests.batch.builders import ENDPOINT_URI, WORKSPACE_ID
from tests.faults.clock import Clock
from tests.faults.plan import Faults, Plan, memory_of_process
from tests.faults.transport import fail_at_sessions, fail_at_task_hub
from tests.faults.world import World
from tests.task_hub.conftest import session as session
from tests.task_hub.task_hub import TaskHub

MakeWorld = Callable[[Plan], Awaitable[World]]

_FAR = 4_000_000_000
"""Seconds since 1970: the token is always valid."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A walk logs thousands of failures, which are what it is about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    monkeypatch.setenv("AZURE_ML_WORKSPACE_ID", WORKSPACE_ID)
    app_settings.cache_clear()
    yield
    app_settings.cache_clear()


@pytest.fixture
async def make_world(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: None, session: None
) -> AsyncIterator[MakeWorld]:
    path = tmp_path / "ledger.db"
    table = SqliteTable(path)
    hub = TaskHub([])
    clock = Clock()
    world: World | None = None

    def current() -> World:
        assert world
        return world

    async def make(plan: Plan) -> World:
        nonlocal world
        clock.restart()
        hub.clear()
        if path.exists():
            with closing(sqlite3.connect(path)) as store, store:
                store.execute("DELETE FROM ledger")
        world = World(hub, table, path, clock, Faults(plan, asyncio.get_running_loop()))
        return world

    tokens = SimpleNamespace(get=lambda audience: AccessToken("token", _FAR))
    monkeypatch.setattr(identity, "_cache", lambda: tokens)
    # A delivery may meet a process that knows nothing: so does each one here.
    monkeypatch.setattr(job_search, "known_jobs", lambda *of: memory_of_process(KnownJobs, *of))
    monkeypatch.setattr(ledger_of_hub, "_table", lambda hub_name: current().table)
    fail_at_task_hub(monkeypatch, lambda: current().faults)
    fail_at_sessions(monkeypatch, lambda: current().faults, lambda: current().azure_ml)
    clock.rule(monkeypatch)
    with hub.served():
        yield make
    await table.close()
