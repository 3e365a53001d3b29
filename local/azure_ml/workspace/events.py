"""The events that the workspace publishes about its jobs: RunStatusChanged, and RunCompleted after Completed.

Workspace event behaviour, from its documentation: a run is named by subject and ``data.runId``; RunCompleted
has no ``runStatus``. The documents contradict each other on Failed and Canceled; this workspace sends
RunStatusChanged for every status, and RunCompleted for Completed alone. A batch job is a pipeline run with a
child run for its step; the child sends events too (inferred).
"""

import uuid
from collections.abc import Iterator

from local.azure_ml.config import Deployment, Workspace
from local.azure_ml.jobs.job import ENDED, Job
from local.azure_ml.workspace.shapes import arm_tags, system_properties
from local.event_grid.event import Event

RUN_STATUS_CHANGED = "Microsoft.MachineLearningServices.RunStatusChanged"
RUN_COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"
_STEP_STATUSES = ENDED | {"Running"}
_IDS = uuid.UUID("6f2b7c55-8f0e-4a8e-9d19-0b5f7b8a2f01")


def job_events(job: Job, workspace: Workspace, deployment: Deployment | None) -> Iterator[Event]:
    """The events of a job's new status."""
    data: dict[str, object] = {
        **_experiment(job, workspace),
        "runId": job.name,
        "runType": "azureml.PipelineRun",
        "runTags": arm_tags(job),
        "runProperties": system_properties(job, workspace, deployment),
    }
    status = job.visible_status
    if status in _STEP_STATUSES:
        yield _event(RUN_STATUS_CHANGED, {**_step(job, workspace), "runStatus": status}, workspace)
    yield _event(RUN_STATUS_CHANGED, {**data, "runStatus": status}, workspace)
    if status == "Completed":
        yield _event(RUN_COMPLETED, data, workspace)


def _experiment(job: Job, workspace: Workspace) -> dict[str, object]:
    name = job.request.experiment or workspace.endpoint
    return {"experimentId": str(uuid.uuid5(_IDS, f"{workspace.id}/{name}")), "experimentName": name}


def _step(job: Job, workspace: Workspace) -> dict[str, object]:
    return {
        **_experiment(job, workspace),
        "runId": str(uuid.uuid5(_IDS, job.name)),
        "runType": "azureml.StepRun",
        "runTags": {},
        "runProperties": {
            "azureml.runsource": "azureml.StepRun",
            "azureml.pipelinerunid": job.name,
            "azureml.moduleName": "batchscoring",
        },
    }


def _event(kind: str, data: dict[str, object], workspace: Workspace) -> Event:
    subject = f"experiments/{data['experimentId']}/runs/{data['runId']}"
    return Event(topic=workspace.id, subject=subject, type=kind, data=data)
