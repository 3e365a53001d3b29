"""Asks Azure ML to cancel the job. The job's status tells when it is, and whether it ended before."""

from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.addresses import WorkspaceId
from batch.azure_ml import workspace_jobs
from batch.errors import ErrorCode, RunError
from batch.names import CANCEL_JOB
from batch.settings import app_settings

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=CANCEL_JOB)
@with_readable_failure
def cancel_job(value: dict) -> Any:  # type: ignore[type-arg]
    """Takes ``{job_name, workspace_id}``; answers ``{accepted: true}`` or ``{error}``."""
    settings = app_settings()
    try:
        workspace_id = (
            WorkspaceId.parse(value["workspace_id"]) if value["workspace_id"] else settings.workspace_id
        )
        if workspace_id is None:
            raise RunError(
                ErrorCode.REQUEST_REJECTED,
                "The job's workspace is not known, so it can not be canceled."
                " Set the app setting AZURE_ML_WORKSPACE_ID.",
            )
        workspace_jobs.cancel(workspace_id, value["job_name"], settings)
    except RunError as error:
        return {"error": error.to_json()}
    return {"accepted": True}
