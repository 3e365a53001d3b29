from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.addresses import WorkspaceId, is_job_name
from batch.azure_ml.job import MAX_STATUS_LENGTH, JobResource
from tests.batch.azure_ml.jobs import arm_job, endpoint_job, job
from tests.batch.azure_ml.json_values import deep, json_values
from tests.batch.builders import STUDIO_URL, WORKSPACE_ID


def test_a_job_is_read_from_the_endpoints_answer() -> None:
    parsed = JobResource.parse(endpoint_job())
    assert (parsed.name, parsed.status) == ("batchjob-1", "Preparing")
    assert parsed.workspace_id == WorkspaceId(WORKSPACE_ID)
    assert parsed.studio_url == STUDIO_URL
    assert parsed.created_at == datetime(2026, 1, 31, 12, 0, 19, 803_140, UTC)
    assert parsed.experiment is None
    assert parsed.tags["azureml.batchrun"] == "true"
    assert parsed.input_uris == frozenset({"https://a.example/c/in"})
    assert parsed.output_uris is None


def test_a_job_is_read_from_arms_answer() -> None:
    parsed = JobResource.parse(arm_job())
    assert (parsed.name, parsed.status, parsed.experiment) == ("batchjob-1", "Preparing", "scores")
    assert parsed.workspace_id == WorkspaceId(WORKSPACE_ID)
    assert parsed.studio_url == STUDIO_URL
    assert parsed.created_at == datetime(2026, 1, 31, 12, 0, 52, 320_446, UTC)
    assert parsed.input_uris is None
    assert parsed.output_uris is None


def test_a_pipeline_components_job_has_an_empty_segment_in_its_id() -> None:
    body = endpoint_job(job_id=f"{WORKSPACE_ID}/batchEndpoints//jobs/pipelinejob-1")
    parsed = JobResource.parse(body)
    assert parsed.name == "pipelinejob-1"
    assert parsed.workspace_id == WorkspaceId(WORKSPACE_ID)


def test_a_run_keeps_four_fields_of_its_job() -> None:
    assert JobResource.parse(endpoint_job()).of_run().model_dump() == {
        "name": "batchjob-1",
        "status": "Preparing",
        "workspace_id": WORKSPACE_ID,
        "studio_url": STUDIO_URL,
    }


def test_a_job_needs_a_status_and_a_name_or_an_id() -> None:
    least = JobResource.parse({"name": "a", "properties": {"status": "Running"}})
    assert least.of_run().model_dump() == {
        "name": "a",
        "status": "Running",
        "workspace_id": None,
        "studio_url": None,
    }
    assert JobResource.parse({"id": "/x/jobs/b", "properties": {"status": "Running"}}).name == "b"


@pytest.mark.parametrize("name", ["../../evil", "a/b", "a?b", "", None, 5, "a b", "x" * 256, {"a": 1}])
def test_a_name_that_would_change_an_address_is_replaced_by_the_id(name: object) -> None:
    assert JobResource.parse({**endpoint_job(), "name": name}).name == "batchjob-1"
    without_id = {**endpoint_job(), "name": name, "id": None}
    hostile_id = {**endpoint_job(), "name": name, "id": f"{WORKSPACE_ID}/jobs/.."}
    for body in (without_id, hostile_id):
        try:
            assert is_job_name(JobResource.parse(body).name)
        except ValueError as error:
            assert "no usable name" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"properties": {"status": "Running"}},
        {"name": "a"},
        {"name": "a", "properties": None},
        {"name": "a", "properties": []},
        {"name": "a", "properties": {}},
        {"name": "a", "properties": {"status": None}},
        {"name": "a", "properties": {"status": " "}},
        {"name": "a", "properties": {"status": 5}},
        {"name": "a", "status": "Running"},
        {"error": {"code": "UserError", "message": "Run a was not found"}},
    ],
)
def test_a_body_without_name_or_status_is_not_a_job(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no usable name or no status"):
        JobResource.parse(body)


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("failed", "Failed"),
        (" COMPLETED ", "Completed"),
        ("Dreaming", "Dreaming"),
        ("x" * 500, "x" * 63 + "…"),
    ],
)
def test_a_status_is_spelled_canonically_and_has_a_greatest_length(status: str, kept: str) -> None:
    assert job(status=status).status == kept
    assert len(kept) <= MAX_STATUS_LENGTH


def _studio(url: object) -> dict[str, Any]:
    return {"interactionEndpoints": {"Studio": {"endpoint": url}}}


@pytest.mark.parametrize("url", [STUDIO_URL, "https://ml.azure.us/runs/a", "https://ml.azure.cn/runs/a"])
def test_links_to_studio_are_kept(url: str) -> None:
    assert job(**_studio(url)).studio_url == url


@pytest.mark.parametrize(
    "properties",
    [
        _studio(None),
        _studio(5),
        _studio(""),
        _studio("javascript:alert(1)"),
        _studio("http://ml.azure.com/runs/a"),
        _studio("https://evil.com/https://ml.azure.com/runs/a"),
        _studio("https://ml-azure.com/runs/a"),
        _studio(" https://ml.azure.com/runs/a"),
        _studio("https://ml.azure.com/" + "x" * 1_024),
        {"interactionEndpoints": None},
        {"interactionEndpoints": []},
        {"interactionEndpoints": {"Studio": None}},
        {"interactionEndpoints": {"Tracking": {"endpoint": STUDIO_URL}}},
    ],
    ids=str,
)
def test_other_links_are_dropped(properties: dict[str, Any]) -> None:
    assert job(**properties).studio_url is None


@pytest.mark.parametrize(
    "url",
    ["https://ml.azure.evil.com/runs/a", "https://ml.azure.com@evil.com/", "https://ml.azure.com.evil.com/"],
)
def test_a_host_that_only_begins_like_studio_is_not_studio(url: str) -> None:
    assert job(**_studio(url)).studio_url is None


@pytest.mark.parametrize(
    ("bindings", "uris"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ("x", None),
        ({"a": {"uri": "u"}, "b": {"uri": "v", "mode": None}}, {"u", "v"}),
        ({"a": {"value": "1"}, "b": None, "c": {"uri": 5}}, set()),
    ],
)
def test_uris_are_read_from_bindings(bindings: object, uris: set[str] | None) -> None:
    parsed = job(inputData=bindings, outputData=bindings)
    assert parsed.input_uris == parsed.output_uris == uris


_keys = st.sampled_from(["id", "name", "properties", "systemData"])
_property_keys = st.sampled_from(
    [
        *("status", "interactionEndpoints", "services", "tags", "inputData", "outputData"),
        *("experimentName", "displayName", "jobType", "properties"),
    ]
)


def _is_refused_or_usable(body: dict[str, Any]) -> None:
    try:
        parsed = JobResource.parse(body)
    except ValueError:
        return
    assert is_job_name(parsed.name)
    assert 0 < len(parsed.status) <= MAX_STATUS_LENGTH
    assert parsed.status.isprintable()
    assert parsed.experiment is None or isinstance(parsed.experiment, str)
    assert parsed.created_at is None or parsed.created_at.tzinfo is UTC
    assert isinstance(parsed.tags, dict)
    for uris in (parsed.input_uris, parsed.output_uris):
        assert uris is None or all(isinstance(uri, str) for uri in uris)
    parsed.of_run().to_json()


@given(st.dictionaries(_keys, json_values), st.dictionaries(_property_keys, json_values))
def test_any_object_is_refused_or_is_a_job_of_the_right_types(
    changes: dict[str, Any], properties: dict[str, Any]
) -> None:
    _is_refused_or_usable(endpoint_job(**properties) | changes)


@given(st.dictionaries(_keys | st.text(max_size=5), json_values))
def test_any_other_object_is_refused_or_is_a_job_of_the_right_types(body: dict[str, Any]) -> None:
    _is_refused_or_usable(body)


@pytest.mark.parametrize("field", ["id", "name", "systemData"])
def test_a_deep_value_in_a_job_is_refused_or_left_out(field: str) -> None:
    """Deeper than the interpreter can show it."""
    _is_refused_or_usable(endpoint_job() | {field: deep(5_000)})


@pytest.mark.parametrize("field", ["status", "experimentName", "tags", "inputData", "interactionEndpoints"])
def test_a_deep_value_in_the_properties_of_a_job_is_refused_or_left_out(field: str) -> None:
    _is_refused_or_usable(endpoint_job(**{field: deep(5_000)}))


@pytest.mark.parametrize("experiment", [5, True, None, ["scores"], {"name": "scores"}])
def test_an_experiment_that_is_no_text_counts_as_absent(experiment: object) -> None:
    assert job(experimentName=experiment).experiment is None


@pytest.mark.parametrize("status", ["\x00", "\ud800", "\u200b \n"])
def test_a_status_without_a_printable_character_is_none(status: str) -> None:
    with pytest.raises(ValueError, match="no status"):
        job(status=status)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("azureml://westeurope.api.azureml.ms/mlflow/v1.0/subscriptions/1/x?", "westeurope.api.azureml.ms"),
        ("azureml://127.0.0.1:8443/mlflow/v1.0", "127.0.0.1:8443"),
        ("azureml://a@b.example/mlflow", None),
        ("https://westeurope.api.azureml.ms/mlflow", None),
        ("azureml://westeurope.api.azureml.ms", None),
        ("azureml://w\u00e4st.example/mlflow", None),
        (None, None),
        (5, None),
    ],
)
@pytest.mark.parametrize("services", ["interactionEndpoints", "services"])
def test_the_tracking_service_names_a_host(services: str, endpoint: object, host: str | None) -> None:
    properties: dict[str, Any] = {
        "interactionEndpoints": None,
        services: {"Tracking": {"endpoint": endpoint}},
    }
    assert job(**properties).tracking_host == host
