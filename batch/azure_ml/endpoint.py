"""The batch endpoint's own REST surface: submit a job, read a job.

Facts about its requests and answers come from recordings of the Azure SDK's tests and from Microsoft's REST
walkthrough.
"""

import uuid
from typing import Any

from batch.addresses import EndpointUri
from batch.azure_ml.job import JobResource
from batch.azure_ml.overrides import overridden
from batch.azure_ml.rest import AnswerLost, json_object, post_once, read
from batch.errors import ErrorCode, RunError
from batch.run.request import Binding, RunRequest
from batch.settings import Settings

RUN_ID_TAG = "batch_run_id"
ATTEMPT_TAG = "batch_run_marker"
"""Tags by which a job names its run, for people and for this app. The service does not promise to keep them."""


def submit(run_id: str, job_tag: str, request: RunRequest, settings: Settings) -> JobResource:
    """POSTs the job, once. Raises NotSent, AnswerLost (a job may exist), HttpError or RunError."""
    headers = {
        # Azure ML's own SDK sends it. It is not documented whether the service honours it: nothing relies on it.
        "repeatability_request-id": str(uuid.UUID(hex=job_tag)),
    }
    if request.deployment:
        headers["azureml-model-deployment"] = request.deployment
    endpoint = allowed_endpoint(request.endpoint_uri, settings)
    body = job_body(run_id, job_tag, request)
    response = post_once(str(endpoint), settings.ml_audience, json=body, headers=headers)
    return _job(json_object(response), endpoint)


def read_job(endpoint_uri: str, job_name: str, settings: Settings) -> JobResource:
    """The job as the endpoint sees it. Raises RunError, AnswerLost if the answer is about another job."""
    endpoint = allowed_endpoint(endpoint_uri, settings)
    job = _job(read(endpoint.job(job_name), settings.ml_audience), endpoint)
    # Azure does not distinguish capital letters in the names of resources.
    if job.name.casefold() != job_name.casefold():
        raise AnswerLost(f"GET {endpoint.job(job_name)} was answered with another job: {job.name}.")
    return job


def allowed_endpoint(endpoint_uri: str, settings: Settings) -> EndpointUri:
    """Checks again what the starter checked: the app must not send its token to an origin that was removed since."""
    try:
        endpoint = EndpointUri.parse(endpoint_uri)
    except ValueError as error:
        raise RunError(ErrorCode.REQUEST_REJECTED, f"The endpoint_uri of the run {error}.") from None
    if not settings.allows(endpoint):
        raise RunError(
            ErrorCode.REQUEST_REJECTED,
            f"The app setting ALLOWED_ENDPOINT_ORIGINS does not allow {endpoint.origin} any more.",
        )
    return endpoint


def job_body(run_id: str, job_tag: str, request: RunRequest) -> dict[str, Any]:
    """The invoke body, with property names in the camel case that the recordings show accepted."""
    properties: dict[str, Any] = {
        "inputData": {name: _input(binding) for name, binding in request.inputs.items()},
        "tags": {**request.tags, RUN_ID_TAG: run_id, ATTEMPT_TAG: job_tag},
    }
    if request.overrides:
        properties.update(overridden(request.overrides))
    if request.outputs:
        properties["outputData"] = {
            name: {"jobOutputType": binding.type, "uri": binding.uri or ""}
            for name, binding in request.outputs.items()
        }
    if request.experiment:
        properties["properties"] = {"experimentName": request.experiment}
    return {"properties": properties}


def _input(binding: Binding) -> dict[str, Any]:
    if binding.type == "Literal":
        # The service's model has text here, and the SDK sends numbers and booleans as they are in JSON.
        return {"jobInputType": binding.type, "value": binding.value}
    return {"jobInputType": binding.type, "uri": binding.uri or ""}


def _job(body: dict[str, Any], endpoint: EndpointUri) -> JobResource:
    try:
        return JobResource.parse(body)
    except ValueError as error:
        raise AnswerLost(f"What {endpoint} answered {error}.") from None
