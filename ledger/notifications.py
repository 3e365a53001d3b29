"""Ends of runs that are to be told: a row is written with the end, and deleted when the telling has begun."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from batch.timestamps import format_timestamp
from ledger.retry import settled
from ledger.run_row import PARTITION, RunRow
from ledger.table import Key, Query, Table, delete_if_there

_BEGIN = "notify"


@dataclass(frozen=True, slots=True)
class NotedEnd:
    """``started_at`` tells the run from a later one with its id."""

    key: Key
    run_id: str
    started_at: str


def notification_of(row: RunRow) -> tuple[Key, Mapping[str, str]]:
    """The row that notes the end of the run: its key and its values."""
    values = {"RunId": row.run_id, "StartedAt": format_timestamp(row.started_at)}
    return Key(PARTITION, f"{_BEGIN} {row.place}"), values


async def find_noted(table: Table, row: RunRow) -> NotedEnd | None:
    key, _ = notification_of(row)
    found = await table.read(key)
    return _noted(key, found.values) if found else None


async def noted_ends(table: Table, after: str, top: int) -> list[NotedEnd]:
    """The first ``top``, behind a row key; empty text: from the first on."""
    rows = await table.rows(Query(PARTITION, after or f"{_BEGIN} ", f"{_BEGIN} ~", top))
    return [_noted(row.key, row.values) for row in rows]


async def forget_noted(table: Table, noted: NotedEnd) -> None:
    # If it is not there, another one has deleted it, or an earlier try whose answer was lost.
    await settled(partial(delete_if_there, table, noted.key))


def _noted(key: Key, values: Mapping[str, str]) -> NotedEnd:
    return NotedEnd(key, values["RunId"], values["StartedAt"])
