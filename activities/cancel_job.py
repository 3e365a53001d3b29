"""Asks Azure ML to cancel the job. The job's status shows when it is canceled, or that it ended before."""

from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch import thread_pools
from batch.addresses import WorkspaceId
from batch.azure_ml import workspace_jobs
from batch.errors import ErrorCode, RunError
from batch.names import CANCEL_JOB
from batch.run.steps import CancelAnswered, CancelJob
from batch.settings import app_settings
from task_hub.progress import note_canceling

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=CANCEL_JOB)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def cancel_job(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes a CancelJob and answers with a CancelAnswered."""
    asked = CancelJob.from_json(value)
    if asked.run_id:
        await note_canceling(client, asked.run_id)
    try:
        await thread_pools.azure_ml.run(_cancel, asked)
    except RunError as error:
        return CancelAnswered.failed(error).to_json()
    return CancelAnswered(accepted=True).to_json()


def _cancel(asked: CancelJob) -> None:
    settings = app_settings()
    workspace_id = WorkspaceId.of_job(asked.workspace_id) or settings.workspace_id
    if workspace_id is None:
        raise RunError(
            ErrorCode.WORKSPACE_NOT_FOUND,
            "The job's workspace is not known, so the job cannot be canceled:"
            " the app setting AZURE_ML_WORKSPACE_ID is not set.",
        )
    workspace_jobs.cancel(workspace_id, asked.job_name, settings)
