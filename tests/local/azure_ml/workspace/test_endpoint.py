"""The batch endpoint: shapes as recorded from the service, and everything that it refuses."""

import json
import re
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.local.azure_ml.api import Api

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FOLDER = {"InputData": {"x": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"}}}
# The fields of a recorded 201, by where they are.
TOP = {"id", "name", "type", "properties", "systemData"}
PROPERTIES = {
    "provisioningState",
    "inputData",
    "compute",
    "output",
    "retrySettings",
    "status",
    "interactionEndpoints",
    "tags",
    "properties",
    "name",
}


def test_invoke_answers_as_recorded(api: Api) -> None:
    hold = api.control.hold("Preparing")
    answer = api.invoke()
    body = answer.json()
    job = body["name"]
    workspace = api.info.workspace_resource_id
    assert answer.status_code == 201
    assert answer.headers["azureml-model-deployment"] == "default"
    assert answer.headers["Server"] == "azureml-frontdoor"
    assert answer.headers["x-ms-response-type"] == "standard"
    assert "Retry-After" not in answer.headers
    assert answer.headers["Location"].endswith(
        f"/mferp/managementfrontend{workspace}/batchEndpoints/local-endpoint/deployments/default"
        "?api-version=2020-09-01-dataplanepreview"
    )
    assert set(body) == TOP
    assert set(body["properties"]) == PROPERTIES
    assert re.fullmatch(f"batchjob-{GUID}", job)
    assert body["id"] == f"{workspace}/batchEndpoints/local-endpoint/deployments/default/jobs/{job}"
    assert body["type"] == "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/jobs"
    properties = body["properties"]
    assert (properties["provisioningState"], properties["status"]) == ("Succeeded", "Preparing")
    assert properties["inputData"]["data"] == {
        "description": None,
        "uri": "azureml://datastores/demo/paths/",
        "mode": "ReadOnlyMount",
        "jobInputType": "UriFolder",
    }
    assert properties["tags"]["azureml.jobtype"] == "azureml.batchjob"
    assert re.fullmatch(r"[a-z]+_[a-z]+_[0-9a-z]{8}", properties["name"])
    assert properties["interactionEndpoints"]["Studio"]["endpoint"].startswith(
        f"https://ml.azure.com/runs/{job}?wsid=/subscriptions/"
    )
    assert body["systemData"]["createdBy"] == "runner"

    read = api.get_job(job)
    assert read.status_code == 200
    assert read.json() == body
    api.control.release(hold)


def test_a_pipeline_component_job_has_an_empty_segment_in_its_id(api: Api) -> None:
    answer = api.invoke(
        deployment="pipeline",
        properties={
            "InputData": {
                "readings": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"},
                "mode": {"JobInputType": "Literal", "Value": "append"},
            },
            "properties": {"experimentName": "run-1"},
        },
    )
    body = answer.json()
    job = body["name"]
    assert re.fullmatch(f"pipelinejob-{GUID}", job)
    assert body["id"] == f"{api.info.workspace_resource_id}/batchEndpoints//jobs/{job}"
    assert body["type"] == "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs"
    assert body["properties"]["tags"]["azureml.jobtype"] == "azureml.pipelinejob"
    assert body["properties"]["inputData"]["mode"]["value"] == "append"
    assert api.arm_get(job).json()["properties"]["experimentName"] == "run-1"


def test_the_third_form_of_names_is_a_bare_guid(api: Api) -> None:
    assert re.fullmatch(GUID, api.started(deployment="challenger"))


def test_property_names_in_any_case_and_names_chosen_by_the_caller(api: Api) -> None:
    answer = api.invoke(
        deployment="noop",
        properties={
            "inputdata": {"X": {"JOBINPUTTYPE": "UriFolder", "uri": "azureml://datastores/demo/paths/"}},
            "outputData": {
                "y": {
                    "jobOutputType": "UriFile",
                    "uri": "azureml://datastores/workspaceblobstore/paths/any-case",
                }
            },
            "name": "mine",
            "tags": {"mine": "yes"},
        },
    )
    properties = answer.json()["properties"]
    assert list(properties["inputData"]) == ["X"]
    assert properties["outputData"]["y"]["uri"] == "azureml://datastores/workspaceblobstore/paths/any-case"
    assert answer.json()["name"] != "mine"
    assert "mine" not in properties["tags"]


def test_tags_are_kept_if_so_configured(start_service, api_of) -> None:
    api = api_of(start_service(keep_tags=True))
    folder = {"x": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"}}
    answer = api.invoke(deployment="noop", properties={"InputData": folder, "tags": {"run": "42"}})
    assert answer.json()["properties"]["tags"]["run"] == "42"
    assert api.arm_get(answer.json()["name"]).json()["properties"]["tags"]["run"] == "42"


def test_settings_of_the_deployment_that_hold_for_one_job_are_shown(api: Api) -> None:
    answer = api.invoke(
        deployment="noop",
        properties={
            **FOLDER,
            "miniBatchSize": 20,
            "maxConcurrencyPerInstance": 2,
            "errorThreshold": -1,
            "outputFileName": "p.csv",
            "compute": {"instanceCount": 4},
            "retrySettings": {"maxRetries": 0, "timeout": "P1DT1H30M5S"},
        },
    )
    properties = answer.json()["properties"]
    assert (properties["miniBatchSize"], properties["maxConcurrencyPerInstance"]) == (20, 2)
    assert (properties["errorThreshold"], properties["outputFileName"]) == (-1, "p.csv")
    assert properties["compute"]["instanceCount"] == 4
    assert properties["retrySettings"] == {"maxRetries": 0, "timeout": "P1DT1H30M5S"}
    parameters = json.loads(properties["properties"]["azureml.parameters"])
    assert (parameters["mini_batch_size"], parameters["NodeCount"], parameters["run_max_try"]) == (
        "20",
        "4",
        "0",
    )
    assert parameters["append_row_file_name"] == "p.csv"


@pytest.mark.parametrize("value", ["append", "0.5", 0.5, 3, True, False])
def test_a_literal_is_shown_as_the_json_value_that_it_was(api: Api, value: object) -> None:
    literal = {"mode": {"jobInputType": "Literal", "value": value}}
    answer = api.invoke(deployment="pipeline", properties={"inputData": literal})
    shown = api.get_job(answer.json()["name"]).json()["properties"]["inputData"]["mode"]["value"]
    assert json.dumps(shown) == json.dumps(value)


def test_deployments(api: Api, start_service, api_of) -> None:
    unknown = api.invoke(deployment="nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "UserError")
    without_default = api_of(start_service(default_deployment=None))
    answer = without_default.invoke()
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("No valid deployments to route to.")
    assert without_default.invoke(deployment="noop").status_code == 201


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({}, "exactly one data input"),
        ({"InputData": []}, "InputData field must be an object"),
        ({"InputData": {"a": {"JobInputType": "MLTable", "Uri": "azureml:a:1"}}}, "MLTable"),
        ({"InputData": {"a": {"JobInputType": "UriFile"}}}, "InputData.a.Uri field is required"),
        ({"InputData": {"a": {"JobInputType": "Literal", "Value": "x"}}}, "Literal inputs"),
        ({**FOLDER, "miniBatchSize": "20"}, "miniBatchSize field must be a whole number of at least 1"),
        ({**FOLDER, "MiniBatchSize": 0}, "miniBatchSize field must be a whole number of at least 1"),
        ({**FOLDER, "errorThreshold": True}, "errorThreshold field must be a whole number of at least -1"),
        ({**FOLDER, "compute": 4}, "compute field must be an object"),
        ({**FOLDER, "compute": {"instanceCount": 0}}, "instanceCount field must be a whole number"),
        ({**FOLDER, "retrySettings": {"timeout": 30}}, "timeout field must be a duration of ISO 8601"),
        ({**FOLDER, "retrySettings": {"timeout": "PT"}}, "timeout field must be a duration of ISO 8601"),
        ({**FOLDER, "retrySettings": {"maxRetries": -1}}, "maxRetries field must be a whole number"),
        ({**FOLDER, "outputFileName": "a/b.csv"}, "outputFileName field must be the name of a file"),
    ],
)
def test_the_error_of_a_bad_body_names_what_is_wrong(
    api: Api, properties: dict[str, object], words: str
) -> None:
    answer = api.invoke(properties=properties)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert answer.headers["x-ms-response-type"] == "error"
    assert error["code"] == "UserError"
    assert error["details"][0]["code"] == "RequestInvalid"
    assert words in error["details"][0]["message"]
    assert [info["type"] for info in error["additionalInfo"]] == [
        "ComponentName",
        "Correlation",
        "Environment",
        "Location",
        "Time",
    ]
    assert api.control.counters()["invoke"]["jobs"] == 0


def test_tokens_for_others_are_refused_and_seen(api: Api) -> None:
    job = api.started(deployment="noop")
    answer = api.session.get(f"{api.info.scoring_uri}/{job}", headers=api.arm(), timeout=10)
    assert answer.status_code == 401
    assert "wrong audience" in answer.json()["error"]["message"]
    assert {"error", "correlation", "environment"} <= set(answer.json())
    [record] = api.control.requests("get_job")
    assert (record["authorization"], record["audience"]) == (True, "https://management.azure.com")
    assert "token" not in record


def test_missing_expired_and_forged_tokens(api: Api, start_service, api_of) -> None:
    url = f"{api.info.scoring_uri}/any"
    assert api.session.get(url, timeout=10).status_code == 401
    forged = jwt.encode(
        {"aud": api.info.ml_audience, "exp": time.time() + 60, "appid": api.principal.client_id},
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        algorithm="RS256",
    )
    answer = api.session.get(url, headers={"Authorization": f"Bearer {forged}"}, timeout=10)
    assert (answer.status_code, "invalid" in answer.text) == (401, True)
    expired = api_of(start_service(token_lifetime=0)).get_job("any")
    assert (expired.status_code, "expiry has passed" in expired.text) == (401, True)


def test_a_principal_without_role_gets_plain_text(api: Api, service, api_of) -> None:
    answer = api_of(service, "stranger").invoke()
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith("Microsoft Entra Token denied by policy")
    assert api.control.counters()["invoke"]["jobs"] == 0


def test_unknown_jobs_and_paths(api: Api) -> None:
    answer = api.get_job("nobody")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Run nobody was not found.")
    assert api.session.get(api.info.scoring_uri.replace("/jobs", "/score"), timeout=10).status_code == 404
    assert api.control.requests("other")[0]["path"] == "/score"
