import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from batch.api.openapi import document
from batch.api.openapi_examples import CONTINUATION, HUB_CONTINUATION
from batch.api.rebuild_query import parse_rebuild
from batch.api.request import BatchRunRequest
from batch.api.run_query import RunQuery
from batch.errors import ErrorCode, InvalidRequest
from batch.run.phases import PHASES
from tests.batch.builders import ENDPOINT_URI, parse, settings

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(settings(), "/api")))
REQUEST = {"$ref": "#/components/schemas/BatchRunRequest"}


def is_valid(schema: dict[str, Any], value: object) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return bool(jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value))


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def examples() -> Iterator[Any]:
    for name, operation in operations():
        bodies = [("request", operation.get("requestBody", {}))]
        bodies += list(operation["responses"].items())
        for status, body in bodies:
            for media in body.get("content", {}).values():
                for title, example in media["examples"].items():
                    yield pytest.param(media["schema"], example["value"], id=f"{name} {status} {title}")


@pytest.mark.parametrize(("schema", "example"), list(examples()))
def test_each_example_fits_its_schema(schema: dict[str, Any], example: object) -> None:
    assert is_valid(schema, example)


def test_each_request_example_is_accepted_by_the_app() -> None:
    start = DOCUMENT["paths"]["/batch-runs"]["post"]
    for example in start["requestBody"]["content"]["application/json"]["examples"].values():
        parse(example["value"])


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for part in text.split('"$ref": "')[1:]:
        name = part.partition('"')[0].removeprefix("#/components/schemas/")
        assert name in DOCUMENT["components"]["schemas"]


def test_every_field_of_the_request_is_documented() -> None:
    properties = DOCUMENT["components"]["schemas"]["BatchRunRequest"]["properties"]
    assert set(properties) == set(BatchRunRequest.model_fields)
    explained_by_their_values = {"endpoint_input_type"}
    assert all(properties[name].get("description") for name in set(properties) - explained_by_their_values)


def test_every_error_of_a_run_is_documented_with_its_advice() -> None:
    codes = DOCUMENT["components"]["schemas"]["RunFailure"]["properties"]["code"]["oneOf"]
    assert {code["const"] for code in codes} == set(ErrorCode)
    assert all(code["description"] for code in codes)


def test_the_list_accepts_each_documented_parameter() -> None:
    values = {
        "phase": ",".join(PHASES),
        "started_from": "2026-01-31T12:00:00Z",
        "started_to": "2026-01-31T12:00:00.5+01:00",
        "prefix": "a",
        "endpoint": ENDPOINT_URI,
        "source": "incoming/2026/",
        "top": "200",
        "continuation": CONTINUATION,
    }
    assert {parameter["name"] for parameter in DOCUMENT["paths"]["/batch-runs"]["get"]["parameters"]} == set(
        values
    )
    RunQuery.parse(values)


def test_the_rebuild_accepts_its_documented_parameter() -> None:
    [parameter] = DOCUMENT["paths"]["/ledger/rebuild"]["post"]["parameters"]
    assert parse_rebuild({parameter["name"]: HUB_CONTINUATION})


INPUT = {"endpoint_input_uri": "azureml:readings:3"}


@pytest.mark.parametrize(
    ("request_body", "fits"),
    [
        (INPUT, True),
        ({**INPUT, "endpoint_uri": ENDPOINT_URI}, True),
        ({**INPUT, "endpoint_uri": None, "inputs": None, "deployment": None}, True),
        ({"inputs": {}}, False),
        ({"inputs": {"a": {"type": "Literal", "value": False}}}, True),
        ({"inputs": {"a": {"type": "UriFile", "uri": "azureml:a:1", "value": None}}}, True),
        ({}, False),
        ({"endpoint_input_uri": None}, False),
        ({**INPUT, "inputs": {}}, False),
        ({**INPUT, "outputs": {}}, False),
        ({"inputs": {}, "endpoint_input_type": "UriFile"}, False),
        ({**INPUT, "endpoint_uri": "https://elsewhere.inference.ml.azure.com/jobs"}, False),
        ({**INPUT, "client_secret": "x"}, False),
        ({**INPUT, "poll_interval": 0}, False),
        ({"inputs": {"a b": {"type": "Literal", "value": 1}}}, False),
        ({"inputs": {"a": {"type": "Literal", "uri": "azureml:a:1"}}}, False),
        ({"inputs": {"a": {"type": "UriFile", "value": 1}}}, False),
        ({"inputs": {"a": {"type": "UriFile", "uri": "azureml:a:1", "value": 1}}}, False),
        ({"endpoint_input_uri": "https://a.blob.core.windows.net/c?sig=x"}, False),
        ({**INPUT, "endpoint_output_uri": "azureml://datastores/a/paths/{date}.csv"}, False),
    ],
)
def test_the_schema_accepts_what_the_app_accepts(request_body: dict[str, Any], fits: bool) -> None:
    assert is_valid(REQUEST, request_body) is fits
    if fits:
        parse(request_body)
    else:
        with pytest.raises(InvalidRequest):
            parse(request_body)


def test_without_a_default_endpoint_each_request_must_name_one() -> None:
    app = settings(BATCH_ENDPOINT_URI="", ALLOWED_ENDPOINT_ORIGINS="https://a.example,https://b.example:8443")
    request = document(app, "/api")["components"]["schemas"]["BatchRunRequest"]
    assert request["required"] == ["endpoint_uri"]
    assert request["properties"]["endpoint_uri"]["enum"] == [
        "https://a.example/jobs",
        "https://b.example:8443/jobs",
    ]
