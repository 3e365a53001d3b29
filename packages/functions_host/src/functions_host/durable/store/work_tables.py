"""Activities to run and timers to fire."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from functions_host.telemetry.trace_context import OpenSpan

WORK_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS activities (
        id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL,
        task_id INTEGER NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL, hidden_until TEXT, span TEXT)""",
    """CREATE TABLE IF NOT EXISTS timers (
        id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL,
        timer_id INTEGER NOT NULL, fire_at TEXT NOT NULL, created_at TEXT, visible_at TEXT)""",
    "CREATE INDEX IF NOT EXISTS activities_by_instance ON activities (instance_id)",
    "CREATE INDEX IF NOT EXISTS timers_by_visibility ON timers (visible_at)",
    "CREATE INDEX IF NOT EXISTS timers_by_instance ON timers (instance_id)",
)


_FREE = "(hidden_until IS NULL OR hidden_until <= ?) AND id NOT IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class QueuedActivity:
    """``span`` is the span of the orchestration's wait for the result."""

    id: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str
    span: OpenSpan


def visible_from(fire_at: datetime, now: datetime) -> datetime:
    """When a timer that is created ``now`` for ``fire_at`` fires.

    durable-functions behaviour: a timer is a queue message that is invisible for a number of whole seconds (rounded
    down), and nothing checks the time when it becomes visible. So a timer fires up to one second early.
    """
    return now + max(timedelta(0), (fire_at - now) // timedelta(seconds=1) * timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class DueTimer:
    """``fire_at`` is the requested time; the timer may fire before it."""

    id: int
    instance_id: str
    execution_id: str
    timer_id: int
    fire_at: str
    created_at: str


class WorkTables:
    """Times are formatted texts. A leased activity is hidden until its lease ends, like a queue message."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # SQLite gives the id of a deleted row again. The activity of that row may still run, and its result must
        # not count as the result of another one.
        (last,) = connection.execute("SELECT max(id) FROM activities").fetchone()
        self._activity_ids = count((last or 0) + 1)

    def queue_activity(
        self, instance_id: str, execution_id: str, task_id: int, name: str, input_json: str, span: OpenSpan
    ) -> None:
        self._connection.execute(
            "INSERT INTO activities (id, instance_id, execution_id, task_id, name, input, span) "
            "VALUES (?,?,?,?,?,?,?)",
            (
                next(self._activity_ids),
                instance_id,
                execution_id,
                task_id,
                name,
                input_json,
                span.to_text(),
            ),
        )

    def lease_activities(
        self, limit: int, now: str, until: str, running: Iterable[int]
    ) -> Sequence[QueuedActivity]:
        """Without those that are ``running`` here: their lease may have expired while the machine slept."""
        rows = self._connection.execute(
            f"UPDATE activities SET hidden_until = ? WHERE id IN (SELECT id FROM activities WHERE {_FREE} "  # noqa: S608 - a constant
            "ORDER BY id LIMIT ?) "
            "RETURNING id, instance_id, execution_id, task_id, name, input, span",
            (until, now, json.dumps(list(running)), limit),
        ).fetchall()
        activities = [
            QueuedActivity(row[0], row[1], row[2], row[3], row[4], row[5], OpenSpan.from_text(row[6]))
            for row in rows
        ]
        return sorted(activities, key=lambda activity: activity.id)

    def hide_activities(self, ids: Iterable[int], until: str | None) -> None:
        """Renews leases, or releases them if ``until`` is None."""
        self._connection.executemany(
            "UPDATE activities SET hidden_until = ? WHERE id = ?", [(until, number) for number in ids]
        )

    def count_activities(self, now: str, running: Iterable[int]) -> int:
        """The number of activities that can be leased."""
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM activities WHERE {_FREE}",  # noqa: S608 - a constant
            (now, json.dumps(list(running))),
        ).fetchone()
        return int(count)

    def hidden_activities(self, now: str) -> Sequence[str]:
        """The times at which the leases of an earlier host expire."""
        rows = self._connection.execute(
            "SELECT DISTINCT hidden_until FROM activities WHERE hidden_until > ?", (now,)
        )
        return [hidden_until for (hidden_until,) in rows]

    def remove_activity(self, activity_id: int) -> bool:
        """False if it was already removed: then the result is a late second one and must not be delivered."""
        return self._connection.execute("DELETE FROM activities WHERE id = ?", (activity_id,)).rowcount == 1

    def remove_activities(self, instance_id: str) -> None:
        self._connection.execute("DELETE FROM activities WHERE instance_id = ?", (instance_id,))

    def add_timer(
        self,
        instance_id: str,
        execution_id: str,
        timer_id: int,
        *,
        fire_at: str,
        created_at: str,
        visible_at: str,
    ) -> None:
        """The timer fires at ``visible_at``, which is ``visible_from(fire_at, created_at)``."""
        self._connection.execute(
            "INSERT INTO timers (instance_id, execution_id, timer_id, fire_at, created_at, visible_at) "
            "VALUES (?,?,?,?,?,?)",
            (instance_id, execution_id, timer_id, fire_at, created_at, visible_at),
        )

    def next_due(self) -> str | None:
        (due,) = self._connection.execute("SELECT min(visible_at) FROM timers").fetchone()
        assert due is None or isinstance(due, str)
        return due

    def take_due_timers(self, now: str, limit: int) -> Sequence[DueTimer]:
        rows = self._connection.execute(
            "SELECT id, instance_id, execution_id, timer_id, fire_at, coalesce(created_at, fire_at) FROM timers "
            "WHERE visible_at <= ? ORDER BY visible_at, id LIMIT ?",
            (now, limit),
        ).fetchall()
        self._connection.executemany("DELETE FROM timers WHERE id = ?", [(row[0],) for row in rows])
        return [DueTimer(*row) for row in rows]

    def remove_timers(self, instance_id: str, timer_ids: Iterable[int] | None = None) -> None:
        """Removes the given timers of an instance, or all of them."""
        if timer_ids is None:
            self._connection.execute("DELETE FROM timers WHERE instance_id = ?", (instance_id,))
            return
        self._connection.executemany(
            "DELETE FROM timers WHERE instance_id = ? AND timer_id = ?",
            [(instance_id, timer_id) for timer_id in timer_ids],
        )
