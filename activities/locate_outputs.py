"""Finds out where in Azure Storage the outputs of a completed run are. The run ends whatever goes wrong here."""

import logging
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from activities.limited_wait import LimitedWait
from batch.addresses import WorkspaceId
from batch.azure_ml.output_links import links_of
from batch.log import log_event
from batch.names import LOCATE_OUTPUTS
from batch.run.steps import LocateOutputs, OutputsLocated
from batch.settings import app_settings

_WAIT = LimitedWait()

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=LOCATE_OUTPUTS)
@with_readable_failure
async def locate_outputs(value: dict) -> Any:  # type: ignore[type-arg]
    """Takes a LocateOutputs and answers with an OutputsLocated."""
    asked = LocateOutputs.from_json(value)
    settings = app_settings()
    workspace = WorkspaceId.of_job(asked.workspace_id) or settings.workspace_id
    if workspace is None:
        return OutputsLocated(nothing_known=True).to_json()
    with _WAIT.seconds() as seconds:
        links, problems = await links_of(asked.outputs, workspace, settings, seconds)
    for problem in problems:
        log_event(logger, logging.WARNING, "outputs_not_located", run=asked.run_id, reason=problem)
    return OutputsLocated(links=links, nothing_known=not links).to_json()
