"""Which events of the workspace report a new status of a job.

The workspace may send them late, twice or never, and child runs send their own: an event is only a reason to check
the job now.
"""

from batch.addresses import WorkspaceId, is_job_name
from batch.grid_event import GridEvent

JOB_EVENTS = frozenset(
    {
        "Microsoft.MachineLearningServices.RunStatusChanged",
        "Microsoft.MachineLearningServices.RunCompleted",
    }
)
_PIPELINE_RUN = "azureml.pipelinerun"


def moved_job(event: GridEvent, workspace_id: WorkspaceId | None) -> str | None:
    """The name of the job with a new status, or None if the event is not about a batch job of the workspace."""
    if event.type not in JOB_EVENTS or (workspace_id and not event.is_from(str(workspace_id))):
        return None
    run_type = event.data.get("runType")
    if isinstance(run_type, str) and run_type.startswith("azureml.") and run_type.casefold() != _PIPELINE_RUN:
        # A step of a pipeline: no run owns a job of that name.
        return None
    name = event.data.get("runId")
    return name if isinstance(name, str) and is_job_name(name) else None
