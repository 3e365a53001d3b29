"""Starts the run of a folder that has become quiet: once, however often this activity is delivered."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from activities.failure import with_readable_failure
from batch.log import log_event
from batch.names import START_RUN
from batch.new_data.request import request_for
from batch.new_data.upload import FolderUpload
from batch.run.source import DataSource
from batch.run.state import Run
from batch.settings import app_settings
from task_hub.runs import start_run as start_once
from task_hub.tracing import trace_of

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=START_RUN)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def start_run(value: dict, client: Any, context: func.Context) -> Any:  # type: ignore[type-arg]
    """Takes ``{upload, source}``; answers ``{run_id}``. A folder that makes no request is a failure, too."""
    upload = FolderUpload.from_json(value["upload"])
    source = DataSource.model_validate(value["source"])
    run_id, settings = upload.run_id, app_settings()
    request = request_for(upload.rule, upload.blob, run_id, settings)
    with trace_of(context):
        existing = await start_once(client, run_id, Run(request=request, source=source))
    if existing is None:
        log_event(logger, logging.INFO, "run_started", run=run_id, folder=source.folder, blobs=source.count)
    return {"run_id": run_id}
