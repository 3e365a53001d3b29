"""Starts the runs of schedules that are due.

The id of a run follows from its schedule and its due time, so whoever starts it again starts nothing. What is decided
is noted after the runs are started: a call that is stopped in between is made up for by the next one.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import azure.durable_functions as df

from batch.errors import RunError
from batch.log import log_event
from batch.new_data.due import decide
from batch.new_data.schedule import ScheduleRule
from batch.new_data.schedule_request import scheduled_request, scheduled_run_id
from batch.run.progress_log import tag_fields
from batch.run.state import Run
from batch.settings import app_settings
from batch.timestamps import format_timestamp
from ledger.schedules import find_decided, note_decided
from task_hub.ledger import ledger_of
from task_hub.rule_counts import count_taken
from task_hub.runs import NotARun
from task_hub.starts import start_run

_FIRST_LOOK_BACK = timedelta(minutes=1)
"""A new schedule is not due before its first call, except right before it."""
_BEFORE = timedelta(seconds=1)
"""Due times are full minutes: between this time before one and the due time there is no other one."""

logger = logging.getLogger(__name__)


async def start_due(
    client: df.DurableOrchestrationClient, schedules: Collection[ScheduleRule], now: datetime
) -> None:
    """One schedule that fails does not stop the others; the next call tries it again."""
    await asyncio.gather(*(_try_to_start_due(client, each, now) for each in schedules))


async def _try_to_start_due(
    client: df.DurableOrchestrationClient, schedule: ScheduleRule, now: datetime
) -> None:
    try:
        await _start_due(client, schedule, now)
    except Exception as error:  # the SDK raises nothing narrower
        log_event(logger, logging.ERROR, "schedule_failed", schedule=schedule.name, reason=error)


async def _start_due(client: df.DurableOrchestrationClient, schedule: ScheduleRule, now: datetime) -> None:
    table = ledger_of(client)
    decided = await find_decided(table, schedule.name, now - _FIRST_LOOK_BACK)
    decision = decide(schedule, decided.until, now)
    _log_skipped(schedule, decision.skipped)
    until = decision.until
    for due in decision.start:
        try:
            await _start(client, schedule, due)
        except RunError as error:
            _log(logging.WARNING, "start_failed", schedule, due, reason=error)
            until = max(decided.until, due - _BEFORE)
            break
    await note_decided(table, decided, until)


async def _start(client: df.DurableOrchestrationClient, schedule: ScheduleRule, due: datetime) -> None:
    run_id = scheduled_run_id(schedule, due)
    run = Run(request=scheduled_request(schedule, due, app_settings()))
    try:
        if await start_run(client, run_id, run) is not None:
            return
    except NotARun:
        _log(logging.ERROR, "start_not_possible", schedule, due, reason=f"{run_id} is no run")
        return
    _log(logging.INFO, "run_started", schedule, due, run=run_id, **tag_fields(run.request))
    await count_taken(client, schedule.id, format_timestamp(due), run_id)


def _log_skipped(schedule: ScheduleRule, skipped: Sequence[datetime]) -> None:
    """One line, however long the app was away."""
    if not skipped:
        return
    more = {"until": format_timestamp(skipped[-1]), "count": len(skipped)} if len(skipped) > 1 else {}
    _log(logging.INFO, "start_skipped", schedule, skipped[0], **more, catch_up=schedule.catch_up)


def _log(level: int, event: str, schedule: ScheduleRule, due: datetime, **fields: object) -> None:
    log_event(logger, level, event, schedule=schedule.name, due=format_timestamp(due), **fields)
