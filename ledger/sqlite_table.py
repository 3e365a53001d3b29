"""The ledger in a file of SQLite, for an app on one machine."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from ledger.errors import LedgerUnavailable
from ledger.table import (
    Change,
    Condition,
    Delete,
    Insert,
    Key,
    Merge,
    Query,
    Replace,
    Row,
    RowChanged,
    RowExists,
)

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    partition_key TEXT NOT NULL,
    row_key TEXT NOT NULL,
    etag TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (partition_key, row_key)
)
"""
_BUSY_SECONDS = 10.0
_PAUSE_SECONDS = 0.01


class SqliteTable:
    """One thread does all the work: a connection of sqlite3 belongs to its thread, and no write waits for another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._opened: sqlite3.Connection | None = None

    async def read(self, key: Key) -> Row | None:
        return await self._in_thread(lambda store: _read(store, key))

    async def write(self, *changes: Change) -> None:
        await self._in_thread(lambda store: _write(store, changes))

    async def rows(self, query: Query) -> list[Row]:
        return await self._in_thread(lambda store: _rows(store, query))

    async def close(self) -> None:
        await self._in_thread(lambda store: store.close())
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._do(work))

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection())
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"{self._path} says: {error}") from None

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            store = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                _set_up(store)
            except BaseException:
                store.close()
                raise
            self._opened = store
        return self._opened


def _set_up(store: sqlite3.Connection) -> None:
    # A process that is killed loses no write; a machine that loses its power may lose the last ones.
    _log_writes_ahead(store)
    store.execute("PRAGMA synchronous = NORMAL")
    store.execute(_SCHEMA)


def _log_writes_ahead(store: sqlite3.Connection) -> None:
    """Where two processes open a new file at once, SQLite refuses this change of one at once, without waiting."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            store.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def _read(store: sqlite3.Connection, key: Key) -> Row | None:
    found = store.execute(
        "SELECT etag, content FROM ledger WHERE partition_key = ? AND row_key = ?", (key.partition, key.row)
    ).fetchone()
    return Row(key, json.loads(found[1]), found[0]) if found else None


def _write(store: sqlite3.Connection, changes: tuple[Change, ...]) -> None:
    store.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            _apply(store, change)
        store.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors, such as a full disk.
        if store.in_transaction:
            store.execute("ROLLBACK")
        raise


def _apply(store: sqlite3.Connection, change: Change) -> None:
    present = _read(store, change.key)
    match change:
        case Insert():
            if present:
                raise RowExists(change.key)
            _put(store, change.key, change.values)
        case Replace():
            if present is None or present.etag != change.etag:
                raise RowChanged(change.key)
            _put(store, change.key, change.values)
        case Merge():
            if present is None:
                raise RowChanged(change.key)
            _put(store, change.key, {**present.values, **change.values})
        case Delete():
            if present is None or change.etag not in (None, present.etag):
                raise RowChanged(change.key)
            where = (change.key.partition, change.key.row)
            store.execute("DELETE FROM ledger WHERE partition_key = ? AND row_key = ?", where)


def _put(store: sqlite3.Connection, key: Key, values: object) -> None:
    store.execute(
        "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?)",
        (key.partition, key.row, uuid4().hex, json.dumps(values)),
    )


def _rows(store: sqlite3.Connection, query: Query) -> list[Row]:
    conditions = "".join(f" AND ({_sql(condition)})" for condition in query.conditions)
    operands = [operand for condition in query.conditions for operand in condition.operands]
    where = f"partition_key = ? AND row_key > ? AND row_key < ?{conditions}"
    found = store.execute(
        # Names of values are the code's own; all else is bound.
        f"SELECT row_key, etag, content FROM ledger WHERE {where} ORDER BY row_key LIMIT ?",  # noqa: S608
        (query.partition, query.after, query.before, *operands, query.top),
    )
    return [
        Row(Key(query.partition, row_key), _selected(json.loads(content), query.names), etag)
        for row_key, etag, content in found
    ]


def _sql(condition: Condition) -> str:
    name = f"json_extract(content, '$.{condition.name}')"
    return " OR ".join(f"{name} {condition.comparison.value} ?" for _ in condition.operands) or "FALSE"


def _selected(values: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: values[name] for name in names if name in values} if names else values
