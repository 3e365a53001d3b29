"""Purges what has ended: runs, windows of new data, and the entities that belong to them."""

import logging
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from batch.log import log_event
from batch.names import BATCH_RUN, FOLDER_WINDOW, JOB_OWNER, NEW_DATA_WINDOW, SUBMISSION
from batch.new_data.upload import FolderUpload
from batch.run.believed_status import believed_status
from batch.run.phases import ENDED_RUNTIME_STATUSES
from batch.run.state import Run
from batch.timestamps import format_timestamp
from task_hub.instances import instance_status, instances_page, time_of
from task_hub.runs import decoded_input

logger = logging.getLogger(__name__)

_PAGE = "100"
"""Instances of one answer, which holds the input and the output of each."""
_ENDED = ",".join(sorted(ENDED_RUNTIME_STATUSES))


async def purge_ended_before(client: df.DurableOrchestrationClient, before: datetime, limit: int) -> int:
    """How many instances were purged; at most about ``limit``, so that one call stays short."""
    purged, continuation = 0, None
    params = {"top": _PAGE, "runtimeStatus": _ENDED, "createdTimeTo": format_timestamp(before)}
    while purged < limit:
        instances, continuation = await instances_page(client, params, continuation)
        for instance in instances:
            ended_at = time_of(instance, "lastUpdatedTime")
            if instance["name"] in (BATCH_RUN, NEW_DATA_WINDOW) and ended_at < before:
                purged += await _try_to_purge(client, instance, before)
        if continuation is None:
            break
    return purged


async def _try_to_purge(
    client: df.DurableOrchestrationClient, instance: dict[str, Any], before: datetime
) -> bool:
    """An instance that cannot be purged must not block the others: it comes first again in the next hour."""
    try:
        await _purge(client, instance, before)
    except Exception as error:  # the SDK raises nothing narrower
        log_event(
            logger, logging.WARNING, "history_not_purged", instance=instance["instanceId"], reason=error
        )
        return False
    return True


async def _purge(client: df.DurableOrchestrationClient, instance: dict[str, Any], before: datetime) -> None:
    # Entities first: if this stops in between, the instance is found again in the next hour.
    for entity in await _entities_of(client, instance, before):
        # To the runtime an entity is an orchestration that never ends, under this instance id.
        await client.purge_instance_history(str(entity))
    await client.purge_instance_history(instance["instanceId"])


async def _entities_of(
    client: df.DurableOrchestrationClient, instance: dict[str, Any], before: datetime
) -> list[df.EntityId]:
    if instance["name"] == BATCH_RUN:
        job = _job_of(instance)
        owner = [df.EntityId(JOB_OWNER, job)] if job else []
        return [df.EntityId(SUBMISSION, instance["instanceId"]), *owner]
    try:
        key = FolderUpload.from_json(decoded_input(instance["input"])).window_key
    except ValueError:
        # Another version of the app wrote it: purge the window even if its entity remains.
        return []
    window = df.EntityId(FOLDER_WINDOW, key)
    status = await instance_status(client, str(window))
    return [window] if status and status.last_updated_time < before else []


def _job_of(instance: dict[str, Any]) -> str | None:
    """The name of the run's job, from state or status: a killed host can leave the custom status without it."""
    try:
        state = Run.from_json(decoded_input(instance["input"]))
    except ValueError:
        # Written by another version of the app.
        state = None
    status = believed_status(instance["runtimeStatus"], instance["customStatus"], instance["output"], state)
    return status.job["name"] if status.job else None
