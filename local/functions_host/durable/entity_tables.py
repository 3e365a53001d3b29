"""Entities and the operations that wait for them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .contract import EntityState
from .decisions import EntityId
from .events import format_time, parse_time
from .trace_context import OpenSpan

ENTITY_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entities (
        name TEXT NOT NULL, key TEXT NOT NULL, state TEXT, last_operation_at TEXT NOT NULL,
        PRIMARY KEY (name, key)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS operations (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, operation TEXT NOT NULL, input TEXT,
        caller_instance_id TEXT, caller_execution_id TEXT, request_id TEXT, span TEXT)""",
    "CREATE INDEX IF NOT EXISTS operations_by_entity ON operations (name, key)",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Where the answer to a call goes."""

    instance_id: str
    execution_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``input`` is a JSON text or None. Without a ``caller`` it is a signal.

    ``span`` is the sender's; None for a signal that came without a trace, as then there is none to go on.
    ``request_id`` is made when the operation is stored, if the sender gave none.
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
        self, name: str | None, after: EntityId, limit: int, from_time: str, to_time: str
    ) -> Sequence[EntityState]:
        rows = self._connection.execute(
            "SELECT name, key, state, last_operation_at FROM entities "
            "WHERE (name, key) > (?, ?) AND name = coalesce(?, name) "
            "AND last_operation_at >= ? AND last_operation_at <= ? ORDER BY name, key LIMIT ?",
            (after.name, after.key, name, from_time, to_time, limit),
        )
        return [_state(row) for row in rows]

    def put(self, state: EntityState) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)",
            (state.name, state.key, state.state, format_time(state.last_operation_at)),
        )

    def delete(self, entity: EntityId) -> None:
        self._connection.execute("DELETE FROM entities WHERE name = ? AND key = ?", (entity.name, entity.key))

    def enqueue(self, entity: EntityId, operation: Operation) -> None:
        caller = operation.caller
        self._connection.execute(
            "INSERT INTO operations (name, key, operation, input, caller_instance_id, caller_execution_id, "
            "request_id, span) VALUES (?,?,?,?,?,?,?,?)",
            (
                entity.name,
                entity.key,
                operation.name,
                operation.input,
                caller.instance_id if caller else None,
                caller.execution_id if caller else None,
                operation.request_id or str(uuid.uuid4()),
                operation.span.to_text() if operation.span else None,
            ),
        )

    def waiting(self, entity: EntityId, limit: int) -> Sequence[Operation]:
        rows = self._connection.execute(
            "SELECT operation, input, caller_instance_id, caller_execution_id, request_id, id, span "
            "FROM operations WHERE name = ? AND key = ? ORDER BY id LIMIT ?",
            (entity.name, entity.key, limit),
        )
        return [
            Operation(
                name=row[0],
                input=row[1],
                caller=None if row[2] is None else Caller(row[2], row[3], row[4]),
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

    def with_operations(self) -> Sequence[EntityId]:
        rows = self._connection.execute(
            "SELECT name, key FROM operations GROUP BY name, key ORDER BY min(id)"
        )
        return [EntityId(name, key) for name, key in rows]


def _state(row: tuple[str, str, str | None, str]) -> EntityState:
    return EntityState(row[0], row[1], row[2], parse_time(row[3]))
