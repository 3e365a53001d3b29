"""The store: one owner, one format, transactions."""

import sqlite3
from pathlib import Path

import pytest

from functions_host.durable.store.store import Store, StoreInUseError, StoreVersionError
from functions_host.telemetry.trace_context import OpenSpan


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


def test_the_id_of_a_removed_activity_is_not_given_again() -> None:
    """The removed activity may still run in this process."""
    store = Store(":memory:")
    ids: list[int] = []
    for _ in range(2):
        store.work.queue_activity("i", "e", 0, "act", "null", OpenSpan.below(None, "2026"))
        [activity] = store.work.lease_activities(9, "2026", "2027", ())
        ids.append(activity.id)
        store.work.remove_activities("i")
    assert ids[0] < ids[1]
    store.close()
