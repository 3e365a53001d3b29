"""Entities, and the operations that wait for them."""

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions_host.durable.decisions import EntityId
from functions_host.durable.events import format_time, parse_time
from functions_host.durable.states import EntityState
from functions_host.telemetry.trace_context import OpenSpan

# The id under which an entity is listed among the instances.
_INSTANCE_ID = "'@' || name || '@' || key"

ENTITY_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entities (
        name TEXT NOT NULL, key TEXT NOT NULL, state TEXT, last_operation_at TEXT NOT NULL,
        PRIMARY KEY (name, key)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS operations (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, operation TEXT NOT NULL, input TEXT,
        caller_instance_id TEXT, caller_execution_id TEXT, request_id TEXT, span TEXT, taken_until TEXT,
        hidden_until TEXT)""",
    "CREATE INDEX IF NOT EXISTS operations_by_entity ON operations (name, key)",
    f"CREATE INDEX IF NOT EXISTS entities_by_instance_id ON entities ({_INSTANCE_ID})",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Where the answer to a call goes."""

    instance_id: str
    execution_id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``input`` is a JSON text or None. An operation without a ``caller`` is a signal.

    ``span`` is the sender's; None for a signal without a trace. ``request_id`` is the name of the event that answers
    the caller; the store generates it if the sender gave none.
    """

    name: str
    input: str | None
    caller: Caller | None = None
    id: int = 0
    span: OpenSpan | None = None
    request_id: str | None = None


class EntityTables:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, entity: EntityId) -> EntityState | None:
        row = self._connection.execute(
            "SELECT name, key, state, last_operation_at FROM entities WHERE name = ? AND key = ?",
            (entity.name, entity.key),
        ).fetchone()
        return None if row is None else _state(row)

    def page(
        self, first: str, prefix: str, limit: int, from_time: str, to_time: str, include_deleted: bool = True
    ) -> Sequence[EntityState]:
        """Entities in the order of their instance ids, none before ``first``.

        ``prefix`` is a prefix of their instance ids; the times limit the time of the last operation.
        """
        rows = self._connection.execute(
            "SELECT name, key, state, last_operation_at FROM entities "  # noqa: S608 - a constant
            f"WHERE {_INSTANCE_ID} >= ? AND substr({_INSTANCE_ID}, 1, ?) = ? "
            "AND last_operation_at >= ? AND last_operation_at <= ? AND (? OR state IS NOT NULL) "
            f"ORDER BY {_INSTANCE_ID} LIMIT ?",
            (max(first, prefix), len(prefix), prefix, from_time, to_time, include_deleted, limit),
        )
        return [_state(row) for row in rows]

    def put(self, state: EntityState) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)",
            (state.name, state.key, state.state, format_time(state.last_operation_at)),
        )

    def delete(self, entity: EntityId) -> None:
        self._connection.execute("DELETE FROM entities WHERE name = ? AND key = ?", (entity.name, entity.key))

    def enqueue(self, entity: EntityId, operation: Operation, taken_until: str) -> None:
        """This host takes the message at once; after a kill it stays hidden until ``taken_until``."""
        caller = operation.caller
        self._connection.execute(
            "INSERT INTO operations (name, key, operation, input, caller_instance_id, caller_execution_id, "
            "request_id, span, taken_until) VALUES (?,?,?,?,?,?,?,?,?)",
            (
                entity.name,
                entity.key,
                operation.name,
                operation.input,
                caller.instance_id if caller else None,
                caller.execution_id if caller else None,
                operation.request_id or str(uuid.uuid4()),
                operation.span.to_text() if operation.span else None,
                taken_until,
            ),
        )

    def waiting(self, entity: EntityId, limit: int) -> Sequence[Operation]:
        rows = self._connection.execute(
            "SELECT operation, input, caller_instance_id, caller_execution_id, request_id, id, span "
            "FROM operations WHERE name = ? AND key = ? AND hidden_until IS NULL ORDER BY id LIMIT ?",
            (entity.name, entity.key, limit),
        )
        return [
            Operation(
                name=row[0],
                input=row[1],
                caller=None if row[2] is None else Caller(row[2], row[3]),
                id=row[5],
                span=None if row[6] is None else OpenSpan.from_text(row[6]),
                request_id=row[4],
            )
            for row in rows
        ]

    def consume(self, operations: Iterable[Operation]) -> None:
        self._connection.executemany(
            "DELETE FROM operations WHERE id = ?", [(operation.id,) for operation in operations]
        )

    def hide_taken_operations(self, now: str) -> Sequence[str]:
        """Called when a host starts: what an earlier host had taken stays hidden. Returns when it becomes visible."""
        self._connection.execute(
            "UPDATE operations SET hidden_until = CASE WHEN taken_until > ? THEN taken_until END", (now,)
        )
        rows = self._connection.execute(
            "SELECT DISTINCT hidden_until FROM operations WHERE hidden_until IS NOT NULL"
        )
        return [hidden_until for (hidden_until,) in rows]

    def show_operations(self, now: str, taken_until: str) -> Sequence[EntityId]:
        """Takes the operations whose hidden time has expired. Returns their entities."""
        rows = self._connection.execute(
            "UPDATE operations SET hidden_until = NULL, taken_until = ? WHERE hidden_until <= ? "
            "RETURNING name, key",
            (taken_until, now),
        )
        return [EntityId(name, key) for name, key in rows]

    def take_operations(self, until: str | None) -> None:
        """Renews the time for all operations that are not hidden, or releases them if ``until`` is None."""
        self._connection.execute("UPDATE operations SET taken_until = ? WHERE hidden_until IS NULL", (until,))

    def with_operations(self) -> Sequence[EntityId]:
        """Entities with operations that are not hidden."""
        rows = self._connection.execute(
            "SELECT name, key FROM operations WHERE hidden_until IS NULL GROUP BY name, key ORDER BY min(id)"
        )
        return [EntityId(name, key) for name, key in rows]


def _state(row: tuple[str, str, str | None, str]) -> EntityState:
    return EntityState(row[0], row[1], row[2], parse_time(row[3]))
