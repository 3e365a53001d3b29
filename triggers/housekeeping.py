"""Looks after runs every five minutes, and once an hour purges what ended more than RUN_RETENTION_DAYS ago."""

import logging
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.log import log_event
from batch.new_data.settings import new_data
from batch.settings import app_settings
from task_hub.notifications import start_noted
from task_hub.rebuild import rebuild_once
from task_hub.retention import forget_removed_schedules, purge_ended_before
from task_hub.rule_counts import ignored_since_report, purge_counts
from task_hub.upkeep import look_after_runs

MAX_PURGED_AT_ONCE = 2_000
MAX_PENDING_AT_ONCE = 250
MAX_UNDER_WAY_AT_ONCE = 750
MAX_PARTS_REBUILT_AT_ONCE = 5
MAX_NOTIFICATIONS_AT_ONCE = 500
"""One call ends well before the next one begins. The next one goes on where it stopped."""

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.timer_trigger(arg_name="timer", schedule="0 2/5 * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def housekeeping(timer: func.TimerRequest, client: Any) -> None:
    """One part that fails does not stop the others; the next call takes the rest."""
    await _try("rebuild", _rebuild(client))
    await _try("look after runs", look_after_runs(client, MAX_PENDING_AT_ONCE, MAX_UNDER_WAY_AT_ONCE))
    await _try("start notifications", start_noted(client, MAX_NOTIFICATIONS_AT_ONCE))
    await _try("report ignored uploads", _report_ignored(client))


@bp.timer_trigger(arg_name="timer", schedule="0 17 * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def purge_history(timer: func.TimerRequest, client: Any) -> None:
    before = datetime.now(UTC) - app_settings().run_retention
    await _try("purge", _purge(client, before))
    await _try("purge counts", _purge_counts(client, before))
    names = {schedule.name for schedule in new_data().schedules}
    await _try("forget schedules", forget_removed_schedules(client, names))


async def _rebuild(client: df.DurableOrchestrationClient) -> None:
    if added := await rebuild_once(client, MAX_PARTS_REBUILT_AT_ONCE):
        log_event(logger, logging.INFO, "ledger_rebuilt", runs=added)


async def _report_ignored(client: df.DurableOrchestrationClient) -> None:
    if ignored := await ignored_since_report(client):
        most_first = sorted(ignored.items(), key=lambda each: (-each[1], each[0]))
        count = sum(ignored.values())
        log_event(logger, logging.INFO, "uploads_ignored", count=count, **dict(most_first))


async def _purge(client: df.DurableOrchestrationClient, before: datetime) -> None:
    if purged := await purge_ended_before(client, before, MAX_PURGED_AT_ONCE):
        log_event(logger, logging.INFO, "history_purged", instances=purged, ended_before=before)


async def _purge_counts(client: df.DurableOrchestrationClient, before: datetime) -> None:
    configured = {rule.id for rule in new_data().in_order()}
    if purged := await purge_counts(client, configured, before):
        log_event(logger, logging.INFO, "rule_counts_purged", rules=purged, unused_since=before)


async def _try(part: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.ERROR, "housekeeping_failed", part=part, reason=error)
