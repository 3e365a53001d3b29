"""What a refused request is told: our words, and what was probably meant."""

from typing import Any

import pytest

from batch.api.request_fields import RUN_ID_RULE, BatchRunRequest
from batch.errors import FieldError
from tests.batch.builders import ENDPOINT_URI, INPUT_URI, body, refusals, settings

SECRET = "S3cr3tMarker"
UNKNOWN = "is not a known field"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("poll_intervall", "poll_interval"),
        ("Poll_Interval", "poll_interval"),
        ("pollInterval", "poll_interval"),
        ("polling_interval", "poll_interval"),
        ("input_uri", "endpoint_input_uri"),
        ("endpointInputUri", "endpoint_input_uri"),
        ("endpoint-input-uri", "endpoint_input_uri"),
        ("Uri", "endpoint_input_uri"),
        ("path", "endpoint_input_uri"),
        ("JobInputType", "endpoint_input_type"),
        ("input_type", "endpoint_input_type"),
        ("output_path", "endpoint_output_uri"),
        ("InputData", "inputs"),
        ("OutputData", "outputs"),
        ("deployment_name", "deployment"),
        ("azureml-model-deployment", "deployment"),
        ("experimentName", "experiment"),
        ("runId", "run_id"),
        ("job_name", "run_id"),
        ("timeuot", "timeout"),
        ("mini_batch_size", "overrides.mini_batch_size"),
        ("miniBatchSize", "overrides.mini_batch_size"),
        ("instanceCount", "overrides.instance_count"),
        ("labels", "tags"),
    ],
)
def test_a_name_that_is_no_field_is_told_what_was_probably_meant(name: str, meant: str) -> None:
    assert refusals(body(**{name: SECRET})) == [FieldError(name, f"{UNKNOWN}; did you mean {meant}?")]


@pytest.mark.parametrize("name", ["", "xyz", "ä", "colour", "\n"])
def test_a_name_that_is_like_no_field_is_not_guessed(name: str) -> None:
    assert refusals(body(**{name: 1})) == [FieldError(name, UNKNOWN)]


def test_each_field_is_found_without_its_signs() -> None:
    for field in BatchRunRequest.model_fields:
        [error] = refusals(body(**{field.upper(): 1}))
        assert error.message == f"{UNKNOWN}; did you mean {field}?"


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("client_secret", "AZURE_CLIENT_SECRET"),
        ("clientSecret", "AZURE_CLIENT_SECRET"),
        ("tenant_id", "AZURE_TENANT_ID"),
        ("client_id", "AZURE_CLIENT_ID"),
    ],
)
def test_credentials_are_app_settings(name: str, setting: str) -> None:
    words = f"is not sent with a request: it is the app setting {setting}, so leave it out"
    assert refusals(body(**{name: SECRET})) == [FieldError(name, words)]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (
            {"inputs": {"a": {"JobInputType": "UriFolder", "uri": INPUT_URI, "type": "UriFolder"}}},
            "inputs.a.JobInputType",
            f"{UNKNOWN}; did you mean type? (it has type, uri, value)",
        ),
        (
            {"inputs": {"a": {"type": "UriFolder", "uri": INPUT_URI, "path": "x"}}},
            "inputs.a.path",
            f"{UNKNOWN}; did you mean uri? (it has type, uri, value)",
        ),
        (
            {"inputs": {"a": {"type": "UriFolder", "uri": INPUT_URI, "mode": "x"}}},
            "inputs.a.mode",
            f"{UNKNOWN} (it has type, uri, value)",
        ),
        (
            {"inputs": {"a": INPUT_URI}, "outputs": {"b": {"uri": INPUT_URI, "JobOutputType": "x"}}},
            "outputs.b.JobOutputType",
            f"{UNKNOWN}; did you mean type? (it has type, uri)",
        ),
        (
            body(overrides={"miniBatchSize": 1}),
            "overrides.miniBatchSize",
            f"{UNKNOWN}; did you mean mini_batch_size?",
        ),
        (body(overrides={"timeout": 1}), "overrides.timeout", f"{UNKNOWN}; did you mean retry_timeout?"),
        ({"inputs": {"a": {"uri": INPUT_URI}}}, "inputs.a.type", "is required: UriFolder, UriFile or Literal"),
        ({"inputs": {"a": INPUT_URI}, "outputs": {"b": {}}}, "outputs.b.uri", "is required"),
        (body(endpoint_input_type="Folder"), "endpoint_input_type", "must be UriFolder or UriFile"),
        ({"inputs": {"a": {"type": "MLTable"}}}, "inputs.a.type", "must be UriFolder, UriFile or Literal"),
        (body(on_timeout="stop"), "on_timeout", "must be cancel or leave"),
        (body(poll_interval="soon"), "poll_interval", "must be a whole number from 1 to 86400"),
        (body(run_id="2026/01/31"), "run_id", RUN_ID_RULE),
        (body(run_id="nightly-2026-01-31T10:00:00Z"), "run_id", RUN_ID_RULE),
        (body(run_id=5), "run_id", RUN_ID_RULE),
        (body(overrides=[]), "overrides", 'must be a JSON object, such as {"mini_batch_size": 20}'),
        (body(tags="team:fraud"), "tags", 'must be a JSON object with texts, such as {"team": "fraud"}'),
        (
            body(tags={f"t{number}": "x" for number in range(11)}),
            "tags",
            "has more than 10 names",
        ),
        (
            {"inputs": ["azureml:a:1"]},
            "inputs",
            "must be a JSON object with a name for each input",
        ),
    ],
)  # fmt: skip
def test_the_words_of_a_refusal(fields: dict[str, Any], field: str, words: str) -> None:
    assert FieldError(field, words) in refusals(fields)


def test_the_body_of_azure_mls_own_endpoint_is_known() -> None:
    own = {"InputData": {"a": {"JobInputType": "UriFolder", "Uri": INPUT_URI}}}
    errors = {error.field: error.message for error in refusals({"properties": own})}
    assert set(errors) == {"properties", "endpoint_input_uri"}
    assert "Azure ML's own endpoint" in errors["properties"]
    assert "endpoint_input_uri" in errors["properties"]


def test_an_endpoint_that_is_not_allowed_is_told_which_are() -> None:
    app = settings(ALLOWED_ENDPOINT_ORIGINS="https://b.example:8443")
    [error] = refusals(body(endpoint_uri="https://a.example/jobs"), app=app)
    origin = ENDPOINT_URI.removesuffix("/jobs")
    assert f"Allowed: https://b.example:8443, {origin}." in error.message
    assert "ALLOWED_ENDPOINT_ORIGINS" in error.message


def test_of_very_many_allowed_endpoints_some_are_named() -> None:
    app = settings(ALLOWED_ENDPOINT_ORIGINS=",".join(f"https://e{number:02}.example" for number in range(30)))
    [error] = refusals(body(endpoint_uri="https://a.example/jobs"), app=app)
    assert "https://e09.example and 21 more." in error.message


@pytest.mark.parametrize(
    "name", ["batch_run_id", "batch_run_marker", "azureml.batchrun", "AzureML_x", "inputType"]
)
def test_tags_of_the_app_and_of_azure_ml_are_not_given_by_callers(name: str) -> None:
    words = "is a name that Azure ML or this app gives to tags of its own"
    assert refusals(body(tags={name: "x"})) == [FieldError(f"tags.{name}", words)]


@pytest.mark.parametrize(
    "value",
    [
        f"https://a/b?sig={SECRET}",
        f"AccountKey={SECRET}",
        "eyJ" + "a" * 9 + ".eyJ" + "b" * 9,
        f"password={SECRET}",
        f"Bearer {SECRET}",
        "eyJ" + "a" * 9 + ".short",
    ],
)
def test_a_tag_holds_no_secret(value: str) -> None:
    [error] = refusals(body(tags={"note": value}))
    assert error.field == "tags.note"
    assert "would be stored" in error.message
    assert SECRET not in error.message


def test_the_name_of_the_output_file_holds_no_token() -> None:
    [error] = refusals(body(overrides={"output_file_name": "eyJ" + "a" * 9 + ".eyJ" + "b" * 9}))
    assert (error.field, "would be stored" in error.message) == ("overrides.output_file_name", True)


@pytest.mark.parametrize("value", [5, True, ["a"], {"a": "b"}, "x" * 101, "a\nb", "a\x7f"])
def test_a_tag_is_a_short_text(value: object) -> None:
    words = "must be text of 1 to 100 characters, none of them a control character"
    assert refusals(body(tags={"team": value})) == [FieldError("tags.team", words)]


@pytest.mark.parametrize("name", ["", "1a", "a b", "a:b", "ä", "x" * 51])
def test_a_tag_has_a_plain_name(name: str) -> None:
    [error] = refusals(body(tags={name: "x"}))
    assert error.message.startswith("is not a name of a tag: 1 to 50 letters")


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("mini_batch_size", 1, 2**31 - 1),
        ("instance_count", 1, 1_000),
        ("max_concurrency_per_instance", 1, 1_000),
        ("error_threshold", -1, 2**31 - 1),
        ("max_retries", 0, 1_000),
        ("retry_timeout", 1, 259_200),
    ],
)
def test_numbers_of_overrides_have_bounds(field: str, least: int, most: int) -> None:
    for value in (least, most):
        assert not refusals(body(overrides={field: value}))
    words = f"must be a whole number from {least} to {most}"
    for wrong in (least - 1, most + 1, True, "many", 1.5):
        assert refusals(body(overrides={field: wrong})) == [FieldError(f"overrides.{field}", words)]


@pytest.mark.parametrize("name", ["a/b.csv", "../a", ".hidden", "a\\b", "a b", "x" * 256, 5])
def test_the_output_file_has_a_name_without_a_folder(name: object) -> None:
    [error] = refusals(body(overrides={"output_file_name": name}))
    assert error.message.startswith("must be the name of a file without a folder")


def test_overrides_are_for_model_deployments() -> None:
    fields = {"inputs": {"a": INPUT_URI}, "overrides": {"mini_batch_size": 1}}
    words = "are for model deployments: they cannot be combined with inputs"
    assert refusals(fields) == [FieldError("overrides", words)]
