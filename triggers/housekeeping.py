"""Once an hour: purges runs that ended more than RUN_RETENTION_DAYS ago, and what belongs to them."""

import logging
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.log import log_event
from batch.settings import app_settings
from task_hub.retention import purge_ended_before

MAX_PURGED_AT_ONCE = 2_000
"""One call ends well before the next one begins."""

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.timer_trigger(arg_name="timer", schedule="0 17 * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def housekeeping(timer: func.TimerRequest, client: Any) -> None:
    """Purges at most about MAX_PURGED_AT_ONCE instances; the next hourly call takes the rest."""
    before = datetime.now(UTC) - app_settings().run_retention
    purged = await purge_ended_before(client, before, MAX_PURGED_AT_ONCE)
    if purged:
        log_event(logger, logging.INFO, "history_purged", instances=purged, ended_before=before)
