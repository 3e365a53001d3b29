"""The ledger of a task hub, by the app setting that names its storage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import task_hub.ledger
from batch.errors import SettingsError
from ledger.sqlite_table import SqliteTable
from task_hub.ledger import ledger_of
from tests.ledger.runs import added, found
from tests.task_hub.task_hub import TaskHub

open_by_settings = task_hub.ledger._table


@pytest.fixture(autouse=True)
def by_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the ledger that the other tests get, and without one that another test has opened."""
    monkeypatch.setattr(task_hub.ledger, "_table", open_by_settings)
    open_by_settings.cache_clear()
    yield
    open_by_settings.cache_clear()


async def test_it_is_opened_once_where_the_storage_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", f"sqlite:{tmp_path / 'by-settings'}")
    with TaskHub([]).served() as client:
        table = ledger_of(client)
        assert isinstance(table, SqliteTable)
        assert ledger_of(client) is table
    await added(table)
    assert (await found(table)).run_id == "r-1"
    assert (tmp_path / "by-settings").exists()
    await table.close()


async def test_without_a_storage_there_is_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AzureWebJobsStorage", raising=False)
    with TaskHub([]).served() as client, pytest.raises(SettingsError, match="AzureWebJobsStorage"):
        ledger_of(client)
