"""Starts the run of a folder that has become quiet: once, however often this activity is delivered."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from activities.failure import with_readable_failure
from batch.log import log_event
from batch.names import START_RUN
from batch.new_data.request import start_of
from batch.run.progress_log import tag_fields
from batch.run.state import Run
from batch.run.steps import Started
from batch.settings import app_settings
from task_hub import starts
from task_hub.tracing import trace_of

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=START_RUN)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def start_run(value: dict, client: Any, context: func.Context) -> Any:  # type: ignore[type-arg]
    """Takes a StartRun and answers with a Started."""
    start = start_of(value, app_settings())
    source = start.source
    with trace_of(context):
        existing = await starts.start_run(client, start.run_id, Run(request=start.request, source=source))
    if existing is None:
        log_event(
            logger,
            logging.INFO,
            "run_started",
            run=start.run_id,
            folder=source.folder,
            blobs=source.count,
            folder_blobs=source.folder_count,
            **tag_fields(start.request),
        )
    return Started(run_id=start.run_id).to_json()
