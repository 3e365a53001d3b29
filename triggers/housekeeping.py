"""Once an hour: mends what a killed process left, and purges runs that ended more than RUN_RETENTION_DAYS ago."""

import logging
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.log import log_event
from batch.settings import app_settings
from task_hub.rebuild import rebuild_once
from task_hub.retention import purge_ended_before
from task_hub.upkeep import mend_runs_under_way

MAX_PURGED_AT_ONCE = 2_000
MAX_MENDED_AT_ONCE = 10_000
MAX_PARTS_REBUILT_AT_ONCE = 20
"""One call ends well before the next one begins."""

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.timer_trigger(arg_name="timer", schedule="0 17 * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def housekeeping(timer: func.TimerRequest, client: Any) -> None:
    """One part that fails does not stop the others; the next hourly call takes the rest."""
    await _try("rebuild", _rebuild(client))
    await _try("mend", mend_runs_under_way(client, MAX_MENDED_AT_ONCE))
    await _try("purge", _purge(client))


async def _rebuild(client: df.DurableOrchestrationClient) -> None:
    if added := await rebuild_once(client, MAX_PARTS_REBUILT_AT_ONCE):
        log_event(logger, logging.INFO, "ledger_rebuilt", runs=added)


async def _purge(client: df.DurableOrchestrationClient) -> None:
    before = datetime.now(UTC) - app_settings().run_retention
    if purged := await purge_ended_before(client, before, MAX_PURGED_AT_ONCE):
        log_event(logger, logging.INFO, "history_purged", instances=purged, ended_before=before)


async def _try(part: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.ERROR, "housekeeping_failed", part=part, reason=error)
