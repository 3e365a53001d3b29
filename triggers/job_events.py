"""Azure ML's own events: the run of a job with a new status checks it at once. The check decides, not the event."""

import logging
from typing import Any

import azure.durable_functions as df

from batch.azure_ml.job_events import moved_job
from batch.log import log_event
from batch.settings import app_settings
from task_hub.job_owners import owner_of
from task_hub.runs import nudge
from triggers.grid_event import grid_event

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.event_grid_trigger(arg_name="event")
@bp.durable_client_input(client_name="client")
async def job_events(event: str, client: Any) -> None:
    received = grid_event(event)
    job = moved_job(received, app_settings().workspace_id)
    if job is None:
        log_event(logger, logging.DEBUG, "event_ignored", event_id=received.id, subject=received.subject)
        return
    run_id = await owner_of(client, job)
    if run_id is None:
        log_event(logger, logging.DEBUG, "event_of_unknown_job", event_id=received.id, job=job)
        return
    if await nudge(client, run_id):
        log_event(logger, logging.DEBUG, "run_nudged", run=run_id, job=job)
