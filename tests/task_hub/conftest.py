from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from azure.durable_functions.models.utils import http_utils

from ledger.sqlite_table import SqliteTable
from tests.ledger.counting_table import CountingTable


@pytest.fixture(autouse=True)
async def session() -> AsyncIterator[None]:
    """The SDK keeps one HTTP session for all its clients. It is closed before the event loop of the test ends."""
    yield
    await http_utils._close_session()


@pytest.fixture(autouse=True)
async def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountingTable]:
    """The ledger of the test, whatever the name of the task hub."""
    in_file = SqliteTable(tmp_path / "ledger")
    counting = CountingTable(in_file)
    monkeypatch.setattr("task_hub.ledger._table", lambda hub_name: counting)
    yield counting
    await in_file.close()
