"""The task hub's memory: one SQLite file that belongs to one process at a time.

What a transaction has written survives the end of the process at any instruction (``kill -9``). Loss of power
is out of scope: it may cost the last transactions, though not the file (WAL with ``synchronous=NORMAL``).
That trade makes a transaction cheap enough (tens of microseconds) to run on the event loop itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions_host.durable.store.entity_tables import ENTITY_SCHEMA, EntityTables
from functions_host.durable.store.instance_tables import INSTANCE_SCHEMA, InstanceTables
from functions_host.durable.store.work_tables import WORK_SCHEMA, WorkTables

_SCHEMA_VERSION = 3
# By version, the columns that it added; rows of earlier versions have nothing there.
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
    """The file was written by another version of this program."""


class Store:
    """Opens the file, creates what is missing, and keeps every other process out until ``close``.

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
        """All or nothing."""
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
            # The first write takes a lock that only closing the file, or the end of the process, gives back.
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
                "stop the other host, or give this one a file of its own."
            ) from error

    def _create_tables(self, path: Path | str) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            raise StoreVersionError(
                f"{path} has format {version}, but this program reads {_SCHEMA_VERSION}: move the file away."
            )
        # Columns first: an index may be on one of them.
        for added_in, columns in _ADDED.items():
            if 0 < version < added_in:
                for table, column in columns:
                    self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
        if 0 < version < 3:
            self._connection.execute("UPDATE timers SET visible_at = fire_at")
        for statement in (*INSTANCE_SCHEMA, *WORK_SCHEMA, *ENTITY_SCHEMA):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
