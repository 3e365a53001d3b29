"""The store: one owner, one format, transactions."""

import sqlite3
from pathlib import Path

import pytest

from functions_host.durable.store.store import Store, StoreInUseError, StoreVersionError


def test_a_store_lets_one_host_in(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "hub.db"
    first = Store(path)
    with pytest.raises(StoreInUseError, match="belongs to one host at a time"):
        Store(path)
    first.close()
    Store(path).close()


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(StoreVersionError, match="has format 99"):
        Store(path)


def test_a_transaction_that_fails_leaves_nothing() -> None:
    store = Store(":memory:")
    with pytest.raises(RuntimeError), store.transaction():
        store.work.add_timer("i", "e", 1, fire_at="2026", created_at="2025", visible_at="2026")
        raise RuntimeError
    assert store.work.next_due() is None
    store.close()
