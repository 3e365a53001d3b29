"""Starts the orchestration of one blob under a folder rule."""

import asyncio
import logging
from datetime import UTC, datetime

import azure.durable_functions as df

from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.names import NEW_DATA_WINDOW
from batch.new_data.upload import FolderUpload
from ledger.table import Table
from ledger.windows import forget_window, take_window_start
from task_hub.instances import STARTS_FOR, STARTS_WITHIN, instance_status, start_instance
from task_hub.ledger import ledger_of

_LOOKS = 10
_PAUSE = 0.2

logger = logging.getLogger(__name__)


async def start_window(client: df.DurableOrchestrationClient, upload: FolderUpload) -> bool:
    """Whether this call started it. Does nothing if an earlier delivery of the same content did.

    Raises RunError, so that the event is delivered again, if the task hub or the ledger fails, or if another delivery
    was about to start it and has not.
    """
    table, window_id, now = ledger_of(client), f"window-{upload.run_id}", datetime.now(UTC)
    if not await take_window_start(table, window_id, now, STARTS_WITHIN):
        await _wait_for_another_delivery(client, window_id)
        return False
    if await instance_status(client, window_id):
        return False
    if datetime.now(UTC) > now + STARTS_FOR:
        # These answers came so late that another delivery may have taken the start.
        await _wait_for_another_delivery(client, window_id)
        return False
    try:
        await start_instance(client, NEW_DATA_WINDOW, window_id, upload.to_json())
    except RunError:
        await _leave_to_others(table, window_id)
        raise
    return True


async def _leave_to_others(table: Table, window_id: str) -> None:
    """Lets the next delivery start the window at once."""
    try:
        await forget_window(table, window_id)
    except RunError as error:
        log_event(logger, logging.WARNING, "start_not_left", window=window_id, reason=error)


async def _wait_for_another_delivery(client: df.DurableOrchestrationClient, window_id: str) -> None:
    for _ in range(_LOOKS):
        if await instance_status(client, window_id):
            return
        await asyncio.sleep(_PAUSE)
    raise RunError(
        ErrorCode.SERVICE_UNAVAILABLE,
        f"Another delivery of the event was to start {window_id}, and has not.",
        retryable=True,
    )
