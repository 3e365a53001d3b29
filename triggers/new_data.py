"""New data starts runs: Event Grid's BlobCreated, through the rules of the settings."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.errors import InvalidRequest
from batch.log import log_event
from batch.new_data.blob import Blob, Malformed, finished_upload
from batch.new_data.request import request_for, upload_for, upload_id
from batch.new_data.rules import NewDataRule, Start
from batch.new_data.settings import new_data as new_data_settings
from batch.run.progress_log import tag_fields
from batch.run.state import Run
from batch.settings import app_settings
from task_hub.rule_counts import count_taken
from task_hub.starts import start_run
from task_hub.tracing import trace_of
from task_hub.windows import start_window
from triggers.grid_event import grid_event

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.event_grid_trigger(arg_name="event")
@bp.durable_client_input(client_name="client")
async def new_data(event: str, client: Any, context: func.Context) -> None:
    """An exception makes Event Grid deliver again, so only failures that may pass by then are raised."""
    received = grid_event(event)
    try:
        blob = finished_upload(received, new_data_settings().topic)
    except Malformed as error:
        log_event(logger, logging.WARNING, "event_malformed", event_id=received.id, reason=error)
        return
    rules = [rule for rule in new_data_settings().rules if blob and rule.matches(blob)]
    if blob is None or not rules:
        log_event(logger, logging.DEBUG, "event_ignored", event_id=received.id, subject=received.subject)
        return
    with trace_of(context):
        for rule in rules:
            await _apply(rule, blob, client)


async def _apply(rule: NewDataRule, blob: Blob, client: df.DurableOrchestrationClient) -> None:
    run_id = upload_id(rule, blob)
    try:
        if rule.start == Start.FOLDER or (rule.start == Start.FILE and blob.is_unfinished):
            is_new = await start_window(client, upload_for(rule, blob, run_id, app_settings()))
        else:
            is_new = await _start_run(client, rule, blob, run_id)
    except InvalidRequest as error:
        log_event(logger, logging.ERROR, "blob_makes_no_request", blob=blob.name, reason=error)
        return
    if is_new:
        await count_taken(client, rule.id, f"{blob.container}/{blob.name}", run_id)


async def _start_run(
    client: df.DurableOrchestrationClient, rule: NewDataRule, blob: Blob, run_id: str
) -> bool:
    run = Run(request=request_for(rule, blob, run_id, app_settings()), source=blob.source())
    if await start_run(client, run_id, run) is not None:
        return False
    log_event(logger, logging.INFO, "run_started", run=run_id, blob=blob.name, **tag_fields(run.request))
    return True
