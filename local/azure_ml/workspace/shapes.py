"""A job as JSON: on the endpoint (data plane) and in ARM."""

import json

from local.azure_ml.config import Deployment, Workspace
from local.azure_ml.jobs.job import Job, iso_time

_RESOURCE = "Microsoft.MachineLearningServices/workspaces"


def job_id(job: Job, workspace: Workspace) -> str:
    """The endpoint segment is empty for pipeline component deployments, as the service writes it."""
    if job.kind == "pipeline-component":
        return f"{workspace.id}/batchEndpoints//jobs/{job.name}"
    return f"{workspace.id}/batchEndpoints/{workspace.endpoint}/deployments/{job.deployment}/jobs/{job.name}"


def data_plane_job(
    job: Job, workspace: Workspace, deployment: Deployment | None, tracking_host: str
) -> dict[str, object]:
    nested = "" if job.kind == "pipeline-component" else "/deployments"
    created = iso_time(job.created_at)
    return {
        "id": job_id(job, workspace),
        "name": job.name,
        "type": f"{_RESOURCE}/batchEndpoints{nested}/jobs",
        "properties": {
            "provisioningState": "Succeeded",
            "inputData": _input_data(job),
            **({"outputData": _output_data(job)} if job.request.outputs else {}),
            "compute": {
                "target": f"{workspace.id}/computes/cpu-cluster",
                "instanceCount": None,
                "isLocal": False,
                "location": None,
                "instanceType": None,
                "properties": None,
            },
            "output": {"datastoreId": None, "path": None},
            "retrySettings": {"maxRetries": 3, "timeout": "PT30S"},
            "status": job.visible_status,
            "interactionEndpoints": {
                kind: {"jobEndpointType": kind, "port": None, "endpoint": endpoint, "properties": None}
                for kind, endpoint in _interaction_endpoints(job, workspace, tracking_host).items()
            },
            "tags": {
                **job.request.tags,
                "outputType": "output_data",
                "inputType": "input_data",
                **_system_tags(job),
                "azureml.jobtype": (
                    "azureml.pipelinejob" if job.kind == "pipeline-component" else "azureml.batchjob"
                ),
            },
            "properties": system_properties(job, workspace, deployment),
            "name": job.display_name,
        },
        "systemData": {
            "createdAt": created,
            "createdBy": job.creator.name,
            "lastModifiedAt": created,
            "lastModifiedBy": job.creator.name,
        },
    }


def arm_job(
    job: Job, workspace: Workspace, deployment: Deployment | None, tracking_host: str
) -> dict[str, object]:
    """Inputs and outputs are null: ARM does not return the data of a batch job."""
    return {
        "id": f"{workspace.id}/jobs/{job.name}",
        "name": job.name,
        "type": f"{_RESOURCE}/jobs",
        "properties": {
            "description": (
                f"Pipeline submission for endpoint: {workspace.endpoint}, deployment: {job.deployment}."
            ),
            "tags": arm_tags(job),
            "properties": system_properties(job, workspace, deployment),
            "displayName": job.display_name,
            "status": job.visible_status,
            "experimentName": job.request.experiment or workspace.endpoint,
            "services": {
                kind: {
                    "jobServiceType": kind,
                    "port": None,
                    "endpoint": endpoint,
                    "status": None,
                    "errorMessage": None,
                    "properties": None,
                    "nodes": None,
                }
                for kind, endpoint in _interaction_endpoints(job, workspace, tracking_host).items()
            },
            "computeId": None,
            "isArchived": False,
            "identity": None,
            "componentId": None,
            "jobType": "Pipeline",
            "settings": None,
            "jobs": None,
            "inputs": None,
            "outputs": None,
            "sourceJobId": None,
        },
        "systemData": {
            "createdAt": iso_time(job.created_at),
            "createdBy": job.creator.name,
            "createdByType": job.creator.kind,
        },
    }


def arm_tags(job: Job) -> dict[str, str]:
    return {**job.request.tags, **_system_tags(job)}


def system_properties(job: Job, workspace: Workspace, deployment: Deployment | None) -> dict[str, str]:
    properties = {
        "azureml.pipelineid": workspace.workspace_id,
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "Unavailable",
        "runType": "HTTP",
        "azureml.parameters": json.dumps(
            {
                "run_max_try": "3",
                "run_invocation_timeout": "30",
                "mini_batch_size": str(deployment.mini_batch_size if deployment else 10),
                "logging_level": "INFO",
                "NodeCount": "1",
                "append_row_file_name": "predictions.csv",
            },
            separators=(",", ":"),
        ),
        "azureml.continue_on_step_failure": "False",
        "azureml.continue_on_failed_optional_input": "False",
        "azureml.pipelineComponent": "pipelinerun",
    }
    if job.kind == "pipeline-component":
        properties["azureml.endpointname"] = workspace.endpoint
        properties["azureml.deploymentname"] = job.deployment
    return properties


def _system_tags(job: Job) -> dict[str, str]:
    return {"azureml.batchrun": "true", "azureml.deploymentname": job.deployment}


def _input_data(job: Job) -> dict[str, object]:
    data: dict[str, object] = {
        name: {"description": None, "uri": given.uri, "mode": "ReadOnlyMount", "jobInputType": given.type}
        for name, given in job.request.inputs.items()
    }
    for name, value in job.request.literals.items():
        data[name] = {"description": None, "value": value, "jobInputType": "Literal"}
    return data


def _output_data(job: Job) -> dict[str, object]:
    return {
        name: {"description": None, "uri": given.uri, "mode": "ReadWriteMount", "jobOutputType": given.type}
        for name, given in job.request.outputs.items()
    }


def _interaction_endpoints(job: Job, workspace: Workspace, tracking_host: str) -> dict[str, str]:
    path = workspace.id.lower().replace("/providers/microsoft.machinelearningservices", "")
    return {
        "Tracking": f"azureml://{tracking_host}/mlflow/v1.0{workspace.id}?",
        "Studio": f"https://ml.azure.com/runs/{job.name}?wsid={path}",
    }
