"""Purges what has ended: runs with their rows, windows of new data, notifications; also of earlier versions.

And forgets schedules that the settings do not have any more.
"""

import logging
from collections.abc import Awaitable, Collection
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from batch.log import log_event
from batch.names import BATCH_RUN, FOLDER_WINDOW, NEW_DATA_WINDOW, NOTIFICATION
from batch.new_data.upload import FolderUpload
from batch.run.believed_status import believed_status
from batch.run.phases import ENDED_RUNTIME_STATUSES
from batch.run.state import Run
from batch.timestamps import format_timestamp
from ledger.listing import runs_ended
from ledger.markers import forget_markers
from ledger.run_row import ListedRun, RunList, RunRow, list_key
from ledger.runs import delete_run, find_row
from ledger.schedules import forget_other_schedules
from ledger.table import Delete
from ledger.windows import forget_window
from task_hub.earlier_version import entities_of
from task_hub.instances import instance_status, instances_page, time_of
from task_hub.known_runs import ended_view
from task_hub.ledger import ledger_of
from task_hub.runs import decoded_input

logger = logging.getLogger(__name__)

_PAGE = 100
"""Instances of one answer, which holds the input and the output of each."""
_ENDED = ",".join(sorted(ENDED_RUNTIME_STATUSES))
_PURGED = frozenset({BATCH_RUN, NEW_DATA_WINDOW, NOTIFICATION})


async def purge_ended_before(client: df.DurableOrchestrationClient, before: datetime, limit: int) -> int:
    """How many runs, windows and notifications were purged; at most about ``limit``, so that one call stays short."""
    purged = tried = await _purge_runs_of_ledger(client, before, limit)
    await _try(forget_markers(ledger_of(client), before, limit), "markers")
    continuation = None
    params = {"top": str(_PAGE), "runtimeStatus": _ENDED, "createdTimeTo": format_timestamp(before)}
    while tried < limit:
        instances, continuation = await instances_page(client, params, continuation)
        for instance in instances:
            ended_at = time_of(instance, "lastUpdatedTime")
            if instance["name"] in _PURGED and ended_at < before:
                tried += 1
                purged += await _try(_purge_instance(client, instance, before), instance["instanceId"])
        if continuation is None:
            break
    return purged


async def forget_removed_schedules(client: df.DurableOrchestrationClient, names: Collection[str]) -> None:
    """Of the schedules that are not named: one that is used again after a month must not make up for that month."""
    await forget_other_schedules(ledger_of(client), names)


async def _purge_runs_of_ledger(client: df.DurableOrchestrationClient, before: datetime, limit: int) -> int:
    """Also runs whose orchestration somebody has purged."""
    table = ledger_of(client)
    purged, stuck = 0, set[str]()
    while purged + len(stuck) < limit:
        runs = await runs_ended(table, before, min(_PAGE, limit - purged) + len(stuck))
        left = [run for run in runs if run.run_id not in stuck]
        if not left:
            break
        for run in left:
            if await _try(_purge_listed(client, run), run.run_id):
                purged += 1
            else:
                stuck.add(run.run_id)
    return purged


async def _try(purge: Awaitable[None], instance_id: str) -> bool:
    """What cannot be purged must not block the others: it comes first again in the next call."""
    try:
        await purge
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.WARNING, "history_not_purged", instance=instance_id, reason=error)
        return False
    return True


async def _purge_listed(client: df.DurableOrchestrationClient, run: ListedRun) -> None:
    table = ledger_of(client)
    row = await find_row(table, run.run_id)
    if row and row.started_at == run.started_at:
        await _purge_run(client, run.run_id, row, _jobs_of_listed(run))
    else:
        # Somebody has deleted the row of the run by hand. Its id may have another run by now.
        await table.write(Delete(list_key(RunList.ALL, run.place)))


async def _purge_run(
    client: df.DurableOrchestrationClient, run_id: str, row: RunRow | None, jobs: list[str]
) -> None:
    """The rows last: if this stops before, they are found again in the next hour."""
    if row is None or row.earlier:
        for entity in entities_of(run_id, jobs):
            # To the runtime an entity is an orchestration that never ends, under this instance id.
            await client.purge_instance_history(str(entity))
    await client.purge_instance_history(run_id)
    if row:
        await delete_run(ledger_of(client), row, jobs)


async def _purge_instance(
    client: df.DurableOrchestrationClient, instance: dict[str, Any], before: datetime
) -> None:
    if instance["name"] == BATCH_RUN:
        row = await find_row(ledger_of(client), instance["instanceId"])
        await _purge_run(client, instance["instanceId"], row, _jobs_of(instance))
        return
    if instance["name"] == NOTIFICATION:
        await client.purge_instance_history(instance["instanceId"])
        return
    # The instance last: if this stops before, it is found again in the next hour.
    if window := await _window_of(client, instance, before):
        await client.purge_instance_history(str(window))
    await forget_window(ledger_of(client), instance["instanceId"])
    await client.purge_instance_history(instance["instanceId"])


async def _window_of(
    client: df.DurableOrchestrationClient, instance: dict[str, Any], before: datetime
) -> df.EntityId | None:
    try:
        key = FolderUpload.from_json(decoded_input(instance["input"])).window_key
    except ValueError:
        # Another version of the app wrote it: purge the window even if its entity remains.
        return None
    window = df.EntityId(FOLDER_WINDOW, key)
    status = await instance_status(client, str(window))
    return window if status and status.last_updated_time < before else None


def _jobs_of_listed(run: ListedRun) -> list[str]:
    view = ended_view(run)
    present = [view["job"]["name"]] if view["job"] else []
    return [*(job["name"] for job in view["earlier_jobs"]), *present]


def _jobs_of(instance: dict[str, Any]) -> list[str]:
    """The names of the run's jobs, from state or status: a killed host can leave the custom status without them."""
    try:
        state = Run.from_json(decoded_input(instance["input"]))
    except ValueError:
        # Written by another version of the app.
        state = None
    status = believed_status(instance["runtimeStatus"], instance["customStatus"], instance["output"], state)
    return status.job_names()
