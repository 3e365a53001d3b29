import json
from typing import Any

import pytest

from batch.azure_ml import endpoint
from batch.azure_ml.endpoint import ATTEMPT_TAG, RUN_ID_TAG, allowed_endpoint, job_body, read_job
from batch.azure_ml.overrides import overridden
from batch.azure_ml.rest import AnswerLost
from batch.errors import ErrorCode, RunError
from batch.run.request import Binding, Overrides
from tests.batch.azure_ml.jobs import endpoint_job
from tests.batch.builders import ENDPOINT_URI, INPUT_URI, body, refusals, request, settings


def test_the_invoke_body_of_a_folder_and_a_file() -> None:
    assert job_body("r-1", "m", request()) == {
        "properties": {
            "inputData": {"input_data": {"jobInputType": "UriFolder", "uri": INPUT_URI}},
            "outputData": {
                "output_data": {
                    "jobOutputType": "UriFile",
                    "uri": "azureml://datastores/lake/paths/out/r-1.csv",
                }
            },
            "tags": {RUN_ID_TAG: "r-1", ATTEMPT_TAG: "m"},
        }
    }


def test_without_outputs_the_service_chooses_the_place() -> None:
    assert "outputData" not in job_body("r-1", "m", request(outputs={}))["properties"]


def test_the_experiments_name_is_nested_one_level_deeper() -> None:
    assert job_body("r-1", "m", request(experiment="e"))["properties"]["properties"] == {
        "experimentName": "e"
    }
    assert "properties" not in job_body("r-1", "m", request())["properties"]


@pytest.mark.parametrize("sent", ['"append"', "3", "0.5", "true", "false", '""', '"0.5"', "1.0"])
def test_a_literal_is_sent_as_the_json_value_that_it_was(sent: str) -> None:
    """As azure-ai-ml 1.35 sends it."""
    inputs = {
        "mode": Binding(type="Literal", value=json.loads(sent)),
        "data": Binding(type="UriFile", uri=INPUT_URI),
    }
    data = job_body("r-1", "m", request(inputs=inputs))["properties"]["inputData"]
    assert data["data"] == {"jobInputType": "UriFile", "uri": INPUT_URI}
    assert json.dumps(data["mode"]) == f'{{"jobInputType": "Literal", "value": {sent}}}'


def test_overrides_are_sent_under_the_names_of_the_sdk() -> None:
    overrides = Overrides(
        mini_batch_size=20,
        instance_count=4,
        max_concurrency_per_instance=2,
        error_threshold=-1,
        max_retries=2,
        retry_timeout=90,
        output_file_name="p.csv",
    )
    plain = job_body("r-1", "m", request())["properties"]
    sent = job_body("r-1", "m", request(overrides=overrides))["properties"]
    assert {name: value for name, value in sent.items() if name not in plain} == {
        "miniBatchSize": 20,
        "compute": {"instanceCount": 4},
        "maxConcurrencyPerInstance": 2,
        "errorThreshold": -1,
        "retrySettings": {"maxRetries": 2, "timeout": "PT1M30S"},
        "outputFileName": "p.csv",
    }
    assert {name: sent[name] for name in plain} == plain


@pytest.mark.parametrize(
    ("overrides", "sent"),
    [
        ({}, {}),
        ({"mini_batch_size": 1}, {"miniBatchSize": 1}),
        ({"max_retries": 0}, {"retrySettings": {"maxRetries": 0}}),
        ({"error_threshold": 0}, {"errorThreshold": 0}),
        *(
            ({"retry_timeout": seconds}, {"retrySettings": {"timeout": text}})
            for seconds, text in (
                (1, "PT1S"),
                (60, "PT1M"),
                (3_600, "PT1H"),
                (3_661, "PT1H1M1S"),
                (86_400, "P1D"),
                (90_000, "P1DT1H"),
                (259_200, "P3D"),
            )
        ),
    ],
)
def test_only_what_is_overridden_is_sent(overrides: dict[str, Any], sent: dict[str, Any]) -> None:
    assert overridden(Overrides(**overrides)) == sent


def test_tags_of_the_caller_go_with_those_of_the_app() -> None:
    tags = {"team": "fraud", RUN_ID_TAG: "another"}
    assert job_body("r-1", "m", request(tags=tags))["properties"]["tags"] == {
        "team": "fraud",
        RUN_ID_TAG: "r-1",
        ATTEMPT_TAG: "m",
    }


@pytest.mark.parametrize("name", [RUN_ID_TAG, ATTEMPT_TAG])
def test_no_request_may_give_a_tag_of_the_app(name: str) -> None:
    assert [error.field for error in refusals(body(tags={name: "x"}))] == [f"tags.{name}"]


def test_outputs_have_their_types() -> None:
    outputs = {"a": Binding(type="UriFolder", uri=INPUT_URI), "b": Binding(type="UriFile", uri=INPUT_URI)}
    sent = job_body("r-1", "m", request(outputs=outputs))["properties"]["outputData"]
    assert {name: output["jobOutputType"] for name, output in sent.items()} == {
        "a": "UriFolder",
        "b": "UriFile",
    }


def test_an_endpoint_is_checked_again_before_it_gets_a_token() -> None:
    assert str(allowed_endpoint(ENDPOINT_URI, settings())) == ENDPOINT_URI
    with pytest.raises(RunError, match="ALLOWED_ENDPOINT_ORIGINS") as error:
        allowed_endpoint("https://gone.example/jobs", settings())
    assert error.value.code == ErrorCode.REQUEST_REJECTED
    assert not error.value.retryable


@pytest.mark.parametrize(
    "stored",
    ["http://elsewhere.example/jobs", "https://elsewhere.example/score", "", "https://a.example/jobs"],
)
def test_a_stored_endpoint_that_is_not_allowed_any_more_gets_no_token(stored: str) -> None:
    with pytest.raises(RunError) as error:
        allowed_endpoint(stored, settings())
    assert error.value.code is ErrorCode.REQUEST_REJECTED


def _answer_with(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "read", lambda url, audience: body)


@pytest.mark.parametrize("asked", ["batchjob-1", "BatchJob-1"])
def test_the_job_that_was_asked_for_is_read(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer_with(endpoint_job(status="Completed"), monkeypatch)
    assert read_job(ENDPOINT_URI, asked, settings()).status == "Completed"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "batchjob-2"},
        {"name": "batchjob-1x"},
        {"name": None, "id": "/x/jobs/batchjob-2"},
        {"name": "batchjob-2", "id": "/x/jobs/batchjob-1"},
    ],
)
def test_an_answer_about_another_job_is_a_failed_read(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer_with(endpoint_job(status="Failed") | changes, monkeypatch)
    with pytest.raises(AnswerLost, match="another job: batchjob-") as error:
        read_job(ENDPOINT_URI, "batchjob-1", settings())
    assert error.value.retryable
