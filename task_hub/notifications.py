"""Ends runs in the ledger, and starts the orchestrations that tell the receivers.

The end and the note that it is to be told are one transaction, and the note is deleted when the orchestrations are
started. So each end is told at least once, whatever stops in between: housekeeping starts what is left.
"""

import asyncio
import logging

import azure.durable_functions as df

from batch.log import log_event
from batch.names import NOTIFICATION
from batch.notification.settings import notification_settings
from batch.run.notification import Notification, Receiver
from batch.timestamps import format_timestamp
from ledger.notifications import NotedEnd, find_noted, forget_noted, noted_ends
from ledger.run_row import RunRow
from ledger.runs import RunEnd, end_run, find_row
from ledger.table import Table
from task_hub.instances import STARTS_FOR, instance_status, start_instance
from task_hub.ledger import ledger_of

_PAGE = 50
"""Ends that are told together."""

logger = logging.getLogger(__name__)


async def end_and_notify(
    client: df.DurableOrchestrationClient, table: Table, row: RunRow, end: RunEnd
) -> None:
    """Raises RunError if the ledger does not take the end. What fails later is left to housekeeping."""
    receivers = notification_settings().receivers
    await end_run(table, row, end, notify=bool(receivers))
    if not receivers:
        return
    try:
        # The last step of a run calls this: its end must not wait for a task hub that does not answer.
        async with asyncio.timeout(STARTS_FOR.total_seconds()):
            if noted := await find_noted(table, row):
                await _start(client, table, noted, receivers)
    except Exception as error:  # the SDK raises nothing narrower
        reason = str(error) or type(error).__name__
        log_event(logger, logging.WARNING, "notification_not_started", run=row.run_id, reason=reason)


async def start_noted(client: df.DurableOrchestrationClient, limit: int) -> None:
    """Starts what others left, for up to ``limit`` runs. One that fails does not stop the others."""
    receivers = notification_settings().receivers
    if not receivers:
        return
    table, place = ledger_of(client), ""
    while limit > 0:
        asked = min(_PAGE, limit)
        found = await noted_ends(table, place, asked)
        await asyncio.gather(*(_try_to_start(client, table, noted, receivers) for noted in found))
        if len(found) < asked:
            return
        limit, place = limit - len(found), found[-1].key.row


async def _try_to_start(
    client: df.DurableOrchestrationClient, table: Table, noted: NotedEnd, receivers: tuple[Receiver, ...]
) -> None:
    try:
        row = await find_row(table, noted.run_id)
        if row and format_timestamp(row.started_at) == noted.started_at:
            await _start(client, table, noted, receivers)
        else:
            # The run was purged while notifications were off.
            await forget_noted(table, noted)
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.WARNING, "notification_not_started", run=noted.run_id, reason=error)


async def _start(
    client: df.DurableOrchestrationClient, table: Table, noted: NotedEnd, receivers: tuple[Receiver, ...]
) -> None:
    await asyncio.gather(*(_start_for(client, noted, receiver) for receiver in receivers))
    await forget_noted(table, noted)


async def _start_for(client: df.DurableOrchestrationClient, noted: NotedEnd, receiver: Receiver) -> None:
    state = Notification(run_id=noted.run_id, started_at=noted.started_at, receiver=receiver)
    if not await instance_status(client, state.instance_id):
        await start_instance(client, NOTIFICATION, state.instance_id, state.to_json())
