"""Orchestration instances, their histories, and the messages that wait for their next episode."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from functions_host.durable.events import HistoryEvent, format_time, parse_time
from functions_host.durable.states import InstanceQuery, InstanceState, RuntimeStatus
from functions_host.telemetry.trace_context import OpenSpan

INSTANCE_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS instances (
        instance_id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
        status TEXT NOT NULL, input TEXT, output TEXT, custom_status TEXT,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, parent TEXT, span TEXT, unwritten TEXT)""",
    "CREATE INDEX IF NOT EXISTS instances_unwritten ON instances (instance_id) WHERE unwritten IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS history (
        id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, events TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS history_by_instance ON history (instance_id)",
    """CREATE TABLE IF NOT EXISTS inbox (
        id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, execution_id TEXT, event TEXT NOT NULL,
        taken_until TEXT, hidden_until TEXT)""",
    "CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox (instance_id)",
)

_COLUMNS = (
    "instance_id, execution_id, name, version, status, input, output, custom_status, "
    "created_at, updated_at, parent, span"
)


@dataclass(frozen=True, slots=True)
class Parent:
    """The orchestration that waits for this one. ``task_id`` is the sequence id of the wait, ``span`` its span."""

    instance_id: str
    execution_id: str
    name: str
    version: str
    task_id: int
    span: OpenSpan | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """``input``, ``output`` and ``custom_status`` are JSON texts, times are formatted texts.

    ``span`` covers the orchestration from its first episode to its end, over every continue-as-new.
    """

    instance_id: str
    execution_id: str
    name: str
    version: str
    status: RuntimeStatus
    input: str | None
    output: str | None
    custom_status: str | None
    created_at: str
    updated_at: str
    parent: Parent | None
    span: OpenSpan

    def state(self) -> InstanceState:
        return InstanceState(
            instance_id=self.instance_id,
            name=self.name,
            version=self.version,
            runtime_status=self.status,
            created_at=parse_time(self.created_at),
            updated_at=parse_time(self.updated_at),
            input=self.input,
            output=self.output,
            custom_status=self.custom_status,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """``execution_id`` is the execution that it answers; None for every execution of the instance."""

    id: int
    execution_id: str | None
    event: HistoryEvent


class InstanceTables:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, instance_id: str) -> Instance | None:
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM instances WHERE instance_id = ?",  # noqa: S608 - a constant
            (instance_id,),
        ).fetchone()
        return None if row is None else _instance(row)

    def put(self, instance: Instance) -> None:
        parent = instance.parent
        self._connection.execute(
            f"INSERT OR REPLACE INTO instances ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608
            (
                instance.instance_id,
                instance.execution_id,
                instance.name,
                instance.version,
                instance.status.value,
                instance.input,
                instance.output,
                instance.custom_status,
                instance.created_at,
                instance.updated_at,
                None if parent is None else _parent_text(parent),
                instance.span.to_text(),
            ),
        )

    def set_progress(self, instance: Instance) -> None:
        """Writes what an episode of the same execution can change."""
        self._connection.execute(
            "UPDATE instances SET status = ?, output = ?, custom_status = ?, updated_at = ?, span = ? "
            "WHERE instance_id = ?",
            (
                instance.status.value,
                instance.output,
                instance.custom_status,
                instance.updated_at,
                instance.span.to_text(),
                instance.instance_id,
            ),
        )

    def leave_unwritten(self, instance: Instance, until: str) -> None:
        """Stores the ending of the instance for ``write_unwritten``; its row still has the old status."""
        ending = json.dumps({"status": instance.status.value, "output": instance.output, "until": until})
        self._connection.execute(
            "UPDATE instances SET unwritten = ? WHERE instance_id = ?", (ending, instance.instance_id)
        )

    def unwritten(self) -> Sequence[tuple[str, str]]:
        """Instances that have ended but whose row has the old status, each with the time of its correction."""
        rows = self._connection.execute(
            "SELECT instance_id, json_extract(unwritten, '$.until') FROM instances WHERE unwritten IS NOT NULL"
        )
        return rows.fetchall()

    def write_unwritten(self, now: str) -> Sequence[Instance]:
        """Corrects the rows that are due: status and output become those of the history.

        The custom status stays as it was.
        """
        rows = self._connection.execute(
            "UPDATE instances SET status = json_extract(unwritten, '$.status'), "  # noqa: S608 - a constant
            "output = json_extract(unwritten, '$.output'), updated_at = ?, unwritten = NULL "
            f"WHERE unwritten IS NOT NULL AND json_extract(unwritten, '$.until') <= ? RETURNING {_COLUMNS}",
            (now, now),
        )
        return [_instance(row) for row in rows]

    def delete(self, instance_id: str) -> None:
        """The instance, its history and its messages."""
        self.delete_history(instance_id)
        self._connection.execute("DELETE FROM inbox WHERE instance_id = ?", (instance_id,))
        self._connection.execute("DELETE FROM instances WHERE instance_id = ?", (instance_id,))

    def page(self, query: InstanceQuery, first: str, limit: int) -> Sequence[Instance]:
        """Matching instances in the order of their ids, none before ``first``."""
        conditions, values = ["instance_id >= ?"], [max(first, query.instance_id_prefix)]
        if query.created_from is not None:
            conditions.append("created_at >= ?")
            values.append(format_time(query.created_from))
        if query.created_to is not None:
            conditions.append("created_at <= ?")
            values.append(format_time(query.created_to))
        if query.statuses:
            conditions.append(f"status IN ({','.join('?' * len(query.statuses))})")
            values.extend(status.value for status in query.statuses)
        if query.instance_id_prefix:
            conditions.append("substr(instance_id, 1, ?) = ?")
            values.extend((str(len(query.instance_id_prefix)), query.instance_id_prefix))
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM instances WHERE {' AND '.join(conditions)} "  # noqa: S608
            "ORDER BY instance_id LIMIT ?",
            (*values, limit),
        )
        return [_instance(row) for row in rows]

    def history(self, instance_id: str) -> list[str]:
        """One text per episode: events with commas between them, without the brackets of a JSON array."""
        rows = self._connection.execute(
            "SELECT events FROM history WHERE instance_id = ? ORDER BY id", (instance_id,)
        )
        return [events for (events,) in rows]

    def append_history(self, instance_id: str, events: str) -> None:
        self._connection.execute(
            "INSERT INTO history (instance_id, events) VALUES (?, ?)", (instance_id, events)
        )

    def delete_history(self, instance_id: str) -> None:
        self._connection.execute("DELETE FROM history WHERE instance_id = ?", (instance_id,))

    def messages(self, instance_id: str) -> Sequence[Message]:
        rows = self._connection.execute(
            "SELECT id, execution_id, event FROM inbox WHERE instance_id = ? AND hidden_until IS NULL ORDER BY id",
            (instance_id,),
        )
        return [Message(number, execution_id, json.loads(event)) for number, execution_id, event in rows]

    def send(self, instance_id: str, execution_id: str | None, event: HistoryEvent, taken_until: str) -> None:
        """This host takes the message at once; after a kill it stays hidden until ``taken_until``."""
        self._connection.execute(
            "INSERT INTO inbox (instance_id, execution_id, event, taken_until) VALUES (?, ?, ?, ?)",
            (instance_id, execution_id, json.dumps(event), taken_until),
        )

    def send_ahead(self, instance_id: str, events: Sequence[HistoryEvent], taken_until: str) -> None:
        """Puts messages before all that wait: after continue-as-new the start of the execution comes first."""
        (lowest,) = self._connection.execute("SELECT min(id) FROM inbox").fetchone()
        first = min(0, lowest or 0) - len(events)
        self._connection.executemany(
            "INSERT INTO inbox (id, instance_id, execution_id, event, taken_until) VALUES (?, ?, NULL, ?, ?)",
            [
                (first + offset, instance_id, json.dumps(event), taken_until)
                for offset, event in enumerate(events)
            ],
        )

    def consume(self, instance_id: str, up_to: int) -> None:
        self._connection.execute(
            "DELETE FROM inbox WHERE instance_id = ? AND id <= ? AND hidden_until IS NULL",
            (instance_id, up_to),
        )

    def hide_taken_messages(self, now: str) -> Sequence[str]:
        """Called when a host starts: what an earlier host had taken stays hidden. Returns when it becomes visible."""
        self._connection.execute(
            "UPDATE inbox SET hidden_until = CASE WHEN taken_until > ? THEN taken_until END", (now,)
        )
        rows = self._connection.execute(
            "SELECT DISTINCT hidden_until FROM inbox WHERE hidden_until IS NOT NULL"
        )
        return [hidden_until for (hidden_until,) in rows]

    def show_messages(self, now: str, taken_until: str) -> Sequence[str]:
        """Takes the messages whose hidden time has expired. Returns their instances."""
        rows = self._connection.execute(
            "UPDATE inbox SET hidden_until = NULL, taken_until = ? WHERE hidden_until <= ? RETURNING instance_id",
            (taken_until, now),
        )
        return [instance_id for (instance_id,) in rows]

    def take_messages(self, until: str | None) -> None:
        """Renews the time for all messages that are not hidden, or releases them if ``until`` is None."""
        self._connection.execute("UPDATE inbox SET taken_until = ? WHERE hidden_until IS NULL", (until,))

    def with_messages(self) -> Sequence[str]:
        """Instances with messages that are not hidden."""
        rows = self._connection.execute(
            "SELECT instance_id FROM inbox WHERE hidden_until IS NULL GROUP BY instance_id ORDER BY min(id)"
        )
        return [instance_id for (instance_id,) in rows]


def _instance(row: tuple[str, ...]) -> Instance:
    return Instance(
        instance_id=row[0],
        execution_id=row[1],
        name=row[2],
        version=row[3],
        status=RuntimeStatus(row[4]),
        input=row[5],
        output=row[6],
        custom_status=row[7],
        created_at=row[8],
        updated_at=row[9],
        parent=None if row[10] is None else _parent(row[10]),
        span=OpenSpan.from_text(row[11]),
    )


def _parent_text(parent: Parent) -> str:
    span = None if parent.span is None else parent.span.to_text()
    return json.dumps(
        [parent.instance_id, parent.execution_id, parent.name, parent.version, parent.task_id, span]
    )


def _parent(text: str) -> Parent:
    # Older versions of this program wrote no span.
    instance_id, execution_id, name, version, task_id, *span = json.loads(text)
    opened = OpenSpan.from_text(span[0]) if span and span[0] else None
    return Parent(instance_id, execution_id, name, version, task_id, opened)
