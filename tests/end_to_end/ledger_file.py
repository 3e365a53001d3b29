"""The ledger of a machine as its file holds it, for tests that look behind the API."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

Rows = dict[str, dict[str, str]]


def rows(state: Path) -> Rows:
    """The values of each row, by its key."""
    with closing(sqlite3.connect(state / "ledger.db", timeout=10)) as store:
        return {
            key: json.loads(content) for key, content in store.execute("SELECT row_key, content FROM ledger")
        }


def rows_of(state: Path, run_id: str) -> Rows:
    """By the first word of the key: ``id``, ``at``, ``open``, and ``job`` of its job."""
    return {
        key.partition(" ")[0]: values for key, values in rows(state).items() if values.get("RunId") == run_id
    }


def delete(state: Path) -> None:
    """The caller has stopped the host."""
    for file in state.glob("ledger.db*"):
        file.unlink()
