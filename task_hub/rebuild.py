"""Puts runs into the ledger that only the task hub knows: those of a version without one, or after its loss.

The task hub lists its instances by id, entities among them, so the way to the end may be long: one call reads a part
of it and says where the next one goes on.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import azure.durable_functions as df

from batch.names import BATCH_RUN
from batch.timestamps import format_timestamp
from ledger.reruns import note_known_rerun
from ledger.run_row import PARTITION
from ledger.runs import find_row
from ledger.table import Insert, Key, Merge, RowExists, Table
from task_hub.earlier_version import adopt
from task_hub.instances import instances_page
from task_hub.ledger import ledger_of
from task_hub.runs import NotARun, find_in_hub

_PAGE = "200"
_PROGRESS = Key(PARTITION, "rebuilt")
"""How far housekeeping has come. It begins again if the row is deleted."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """``continuation`` is where the next call goes on, None at the end."""

    instances: int
    added: int
    continuation: str | None


async def rebuild_part(client: df.DurableOrchestrationClient, continuation: str | None) -> Rebuilt:
    """Reads one page of the task hub. Raises RunError if the task hub or the ledger does not answer."""
    table = ledger_of(client)
    instances, following = await instances_page(client, {"top": _PAGE, "showInput": "false"}, continuation)
    runs = [one["instanceId"] for one in instances if one["name"] == BATCH_RUN]
    added = sum([await _add(client, table, run_id) for run_id in runs])
    return Rebuilt(len(instances), added, following)


async def rebuild_once(client: df.DurableOrchestrationClient, parts: int) -> int:
    """How many runs were added. Reads up to ``parts`` parts, from where the last call stopped, until all are read."""
    table = ledger_of(client)
    progress = await table.read(_PROGRESS)
    if progress and "DoneAt" in progress.values:
        return 0
    continuation = progress.values.get("Continuation") if progress else None
    added = 0
    for _ in range(parts):
        part = await rebuild_part(client, continuation)
        added, continuation = added + part.added, part.continuation
        if continuation is None:
            await _write(table, {"DoneAt": format_timestamp(datetime.now(UTC))})
            break
        await _write(table, {"Continuation": continuation})
    return added


async def _add(client: df.DurableOrchestrationClient, table: Table, run_id: str) -> bool:
    if row := await find_row(table, run_id):
        if row.first_run:
            # Its next step may have added it before the run that it repeats.
            await note_known_rerun(table, row)
        return False
    try:
        in_hub = await find_in_hub(client, run_id)
    except NotARun:
        return False
    if in_hub is None:
        return False
    await adopt(client, table, in_hub)
    return True


async def _write(table: Table, values: dict[str, str]) -> None:
    try:
        await table.write(Insert(_PROGRESS, values))
    except RowExists:
        await table.write(Merge(_PROGRESS, values))
