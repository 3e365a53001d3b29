"""The storage of the task hub: one SQLite file, which one process at a time owns.

A committed transaction survives the end of the process at any instruction (``kill -9``). A loss of power may lose
the last transactions, but it does not damage the file (WAL with ``synchronous=NORMAL``). So a transaction takes only
tens of microseconds and can run on the event loop itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions_host.durable.store.entity_tables import ENTITY_SCHEMA, EntityTables
from functions_host.durable.store.instance_tables import INSTANCE_SCHEMA, InstanceTables
from functions_host.durable.store.work_tables import WORK_SCHEMA, WorkTables

_SCHEMA_VERSION = 3
# The columns that each version added; they are NULL in rows of earlier versions.
_ADDED = {
    2: (("instances", "span"), ("activities", "span"), ("operations", "span"), ("timers", "created_at")),
    3: (
        *(("instances", "unwritten"), ("inbox", "taken_until"), ("inbox", "hidden_until")),
        *(("operations", "taken_until"), ("operations", "hidden_until"), ("timers", "visible_at")),
    ),
}


class StoreInUseError(Exception):
    """Another process has the file open."""


class StoreVersionError(Exception):
    """A newer version of this program has written the file."""


class Store:
    """Opens the file, creates missing tables, and locks it against other processes until ``close``.

    ``path`` may be ``":memory:"``. Use it from the thread that opened it.
    """

    def __init__(self, path: Path | str) -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=0.0, cached_statements=256)
        try:
            self._prepare(path)
        except BaseException:
            self._connection.close()
            raise
        self.instances = InstanceTables(self._connection)
        self.work = WorkTables(self._connection)
        self.entities = EntityTables(self._connection)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Rolls back if the block raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _prepare(self, path: Path | str) -> None:
        try:
            # The first write takes a lock, which is released when the file is closed or the process ends.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            with self.transaction():
                self._create_tables(path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            raise StoreInUseError(
                f"{path} is in use by another process. A task hub belongs to one host at a time: "
                "stop the other host, or start this one with another file."
            ) from error

    def _create_tables(self, path: Path | str) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            raise StoreVersionError(
                f"{path} has format {version}, but this program reads {_SCHEMA_VERSION}: move the file away."
            )
        # The columns come first: an index may need them.
        for added_in, columns in _ADDED.items():
            if 0 < version < added_in:
                for table, column in columns:
                    self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
        if 0 < version < 3:
            self._connection.execute("UPDATE timers SET visible_at = fire_at")
        for statement in (*INSTANCE_SCHEMA, *WORK_SCHEMA, *ENTITY_SCHEMA):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
