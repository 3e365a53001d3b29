"""Jobs as Azure ML describes them: the fields that its recordings show, in the recorded shapes."""

from typing import Any

from batch.azure_ml.job import JobResource
from tests.batch.builders import STUDIO_URL, WORKSPACE_ID


def endpoint_job(
    *,
    job_id: str = f"{WORKSPACE_ID}/batchEndpoints/scores/deployments/blue/jobs/batchjob-1",
    **properties: Any,
) -> dict[str, Any]:
    """The endpoint's answer to an invoke. Besides the job's name it has a display name, links and inputs."""
    return {
        "id": job_id,
        "name": job_id.rpartition("/")[2],
        "type": "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/jobs",
        "properties": {
            "provisioningState": "Succeeded",
            "status": "Preparing",
            "name": "careful_bulb_plwyqfx0",
            "inputData": {
                "input1": {"uri": "https://a.example/c/in", "mode": "ReadOnlyMount", "description": None}
            },
            "output": {"datastoreId": None, "path": None},
            "interactionEndpoints": {
                "Tracking": {
                    "jobEndpointType": "Tracking",
                    "endpoint": "azureml://westeurope.api.example/mlflow",
                },
                "Studio": {"jobEndpointType": "Studio", "port": None, "endpoint": STUDIO_URL},
            },
            "tags": {"azureml.batchrun": "true", "azureml.jobtype": "azureml.batchjob"},
            **properties,
        },
        "systemData": {"createdAt": "2026-01-31T12:00:19.80314+00:00", "createdBy": "someone"},
    }


def arm_job(*, created_at: str = "2026-01-31T12:00:52.3204463+00:00", **properties: Any) -> dict[str, Any]:
    """The same job as ARM shows it: the links are in another field, and there are no inputs or outputs."""
    return {
        "id": f"{WORKSPACE_ID}/jobs/batchjob-1",
        "name": "batchjob-1",
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "properties": {
            "displayName": "careful_bulb_plwyqfx0",
            "status": "Preparing",
            "experimentName": "scores",
            "jobType": "Pipeline",
            "inputs": None,
            "outputs": None,
            "services": {
                "Tracking": {
                    "jobServiceType": "Tracking",
                    "endpoint": "azureml://westeurope.api.example/mlflow",
                },
                "Studio": {"jobServiceType": "Studio", "status": None, "endpoint": STUDIO_URL},
            },
            "tags": {"azureml.batchrun": "true"},
            **properties,
        },
        "systemData": {"createdAt": created_at, "createdBy": "someone", "createdByType": "User"},
    }


def job(**properties: Any) -> JobResource:
    return JobResource.parse(endpoint_job(**properties))
