"""New data starts runs: storage events from Event Grid, through the rules of the settings."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.errors import InvalidRequest
from batch.grid_event import GridEvent
from batch.log import log_event
from batch.new_data.blob import Blob, Malformed, UnknownCall, upload_of
from batch.new_data.ignored import IgnoreReason, closest
from batch.new_data.request import marker_key, request_for, upload_for, upload_id
from batch.new_data.rules import NewDataRule, Start
from batch.new_data.settings import new_data as new_data_settings
from batch.run.progress_log import tag_fields
from batch.run.state import Run
from batch.settings import app_settings
from task_hub.markers import run_of_marker
from task_hub.rule_counts import count_ignored, count_taken
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
    blob = await _blob_of(grid_event(event), client)
    if blob is None:
        return
    refusals = [(rule, rule.why_ignored(blob)) for rule in new_data_settings().rules]
    taking = [rule for rule, reason in refusals if reason is None]
    if not taking:
        await _ignore(blob, closest(reason for _, reason in refusals if reason), client)
        return
    with trace_of(context):
        for rule in taking:
            await _apply(rule, blob, client)


async def _blob_of(received: GridEvent, client: df.DurableOrchestrationClient) -> Blob | None:
    try:
        blob = upload_of(received, new_data_settings().topic)
    except Malformed as error:
        log_event(
            logger,
            logging.WARNING,
            "event_malformed",
            event_id=received.id,
            subject=received.subject,
            reason=error,
        )
        await count_ignored(client, IgnoreReason.MALFORMED, received.subject)
        return None
    except UnknownCall as error:
        log_event(
            logger, logging.INFO, "upload_ignored", blob=error.blob, reason=IgnoreReason.API, api=error.api
        )
        await count_ignored(client, IgnoreReason.API, error.blob)
        return None
    if blob is None:
        log_event(logger, logging.DEBUG, "event_ignored", event_id=received.id, subject=received.subject)
    return blob


async def _ignore(blob: Blob, reason: IgnoreReason, client: df.DurableOrchestrationClient) -> None:
    """One line and one count for each upload.

    The end of a Data Lake upload says why no rule takes it, so its begin needs no line. The begin is counted where a
    rule would take the end: many of them, and nothing taken, show that the files are never closed.
    """
    level = logging.DEBUG if blob.is_created_only else logging.INFO
    log_event(logger, level, "upload_ignored", blob=blob.path, reason=reason)
    if not blob.is_created_only or reason == IgnoreReason.CREATED_ONLY:
        await count_ignored(client, reason, blob.path)


async def _apply(rule: NewDataRule, blob: Blob, client: df.DurableOrchestrationClient) -> None:
    run_id = upload_id(rule, blob)
    try:
        if rule.start == Start.FOLDER or (rule.start == Start.FILE and blob.is_unfinished):
            is_new = await start_window(client, upload_for(rule, blob, run_id, app_settings()))
        else:
            if rule.start == Start.MARKER and blob.order:
                run_id = await run_of_marker(client, marker_key(rule, blob), blob, run_id)
            is_new = await _start_run(client, rule, blob, run_id)
    except InvalidRequest as error:
        log_event(logger, logging.ERROR, "blob_makes_no_request", blob=blob.path, reason=error)
        await count_ignored(client, IgnoreReason.NAME, blob.path)
        return
    if is_new:
        await count_taken(client, rule.id, blob.path, run_id)


async def _start_run(
    client: df.DurableOrchestrationClient, rule: NewDataRule, blob: Blob, run_id: str
) -> bool:
    run = Run(request=request_for(rule, blob, run_id, app_settings()), source=blob.source())
    if await start_run(client, run_id, run) is not None:
        return False
    log_event(logger, logging.INFO, "run_started", run=run_id, blob=blob.name, **tag_fields(run.request))
    return True
