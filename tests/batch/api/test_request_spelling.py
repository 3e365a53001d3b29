"""Requests as people and tools send them: another spelling is the same request."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.openapi import document
from batch.api.request_fields import BatchRunRequest, JobOverrides
from batch.api.request_spelling import OVERRIDE_NUMBERS, WHOLE_NUMBERS, normalized
from batch.run.request import Binding
from tests.batch.builders import ENDPOINT_URI, INPUT_URI, OUTPUT_URI, body, parse, refusals, settings

NAMED = {"inputs": {"a": {"type": "UriFolder", "uri": INPUT_URI}}, "run_id": "r-1"}
ORIGIN = ENDPOINT_URI.removesuffix("/jobs")


def assert_same(spelled: dict[str, Any], plain: dict[str, Any]) -> None:
    assert refusals(spelled) == []
    (run_id, one), (other_id, other) = parse({"run_id": "r-1", **spelled}), parse({"run_id": "r-1", **plain})
    assert (run_id, one) == (other_id, other)
    assert one.fingerprint() == other.fingerprint()


@pytest.mark.parametrize("field", sorted(WHOLE_NUMBERS - {"job_attempts"}))
@pytest.mark.parametrize("spelled", ['"120"', "120.0", "1.2e2", '"120.0"', '" 120 "', '"+120"'])
def test_a_whole_number_may_be_text_or_have_a_point(field: str, spelled: str) -> None:
    """Data Factory turns a number within a text into text."""
    sent = json.loads(f'{{"{field}": {spelled}}}')
    assert_same(body(**sent), body(**{field: 120}))


@pytest.mark.parametrize("spelled", ["3", 3.0, " 3 "])
def test_so_may_the_number_of_jobs(spelled: Any) -> None:
    assert_same(body(job_attempts=spelled), body(job_attempts=3))


@pytest.mark.parametrize("spelled", ["Service", "SERVICE", ["Service"]])
def test_the_reasons_for_another_job_may_be_one_text_in_any_case(spelled: Any) -> None:
    assert_same(body(job_attempts=2, retry_on=spelled), body(job_attempts=2, retry_on=["service"]))


@pytest.mark.parametrize("field", sorted(OVERRIDE_NUMBERS))
def test_so_may_the_numbers_of_overrides(field: str) -> None:
    assert_same(body(overrides={field: "7"}), body(overrides={field: 7}))
    assert_same(body(overrides={field: 7.0}), body(overrides={field: 7}))


def test_every_whole_number_of_the_request_is_known() -> None:
    schemas = document(settings(), "/api")["components"]["schemas"]

    def numbers(model: str) -> set[str]:
        fields = schemas[model]["properties"].items()
        return {name for name, field in fields if "integer" in field.get("type", ())}

    assert numbers("BatchRunRequest") <= WHOLE_NUMBERS
    assert numbers("JobOverrides") == OVERRIDE_NUMBERS


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize(
    "field", sorted(set(BatchRunRequest.model_fields) - {"endpoint_input_uri", "run_id"})
)
def test_null_and_empty_text_are_as_if_absent(field: str, absent: str | None) -> None:
    assert_same(body(**{field: absent}), body())


@pytest.mark.parametrize("absent", [None, ""])
def test_that_is_so_in_the_parts_of_a_request(absent: str | None) -> None:
    assert_same(body(overrides={"mini_batch_size": absent, "output_file_name": absent}), body())
    assert_same(body(tags={"team": absent}), body())
    assert_same({"inputs": {"a": {"type": "Literal", "value": 1, "uri": absent}}},
                {"inputs": {"a": {"type": "Literal", "value": 1}}})  # fmt: skip
    assert_same(
        NAMED | {"outputs": {"b": {"type": absent, "uri": OUTPUT_URI}}},
        NAMED | {"outputs": {"b": {"uri": OUTPUT_URI}}},
    )
    run_id, _ = parse(body(run_id=absent))
    assert run_id


def test_named_inputs_may_come_with_a_short_form_that_was_not_set() -> None:
    unset = dict.fromkeys(("endpoint_input_uri", "endpoint_input_type", "endpoint_output_uri"), "")
    assert_same({**NAMED, **unset, "overrides": {"mini_batch_size": ""}}, NAMED)


def test_an_empty_literal_is_a_value() -> None:
    _, request = parse({"inputs": {"a": {"type": "Literal", "value": ""}}})
    assert request.inputs == {"a": Binding(type="Literal", value="")}


@pytest.mark.parametrize("unset", [None, ""])
def test_an_input_or_output_that_is_not_set_is_not_left_out(unset: str | None) -> None:
    assert [error.field for error in refusals({"inputs": {"a": INPUT_URI, "b": unset}})] == ["inputs.b"]
    assert [error.field for error in refusals(NAMED | {"outputs": {"b": unset}})] == ["outputs.b"]


FOLDERS = ("uri_folder", "urifolder", "URIFOLDER", "uriFolder", "Uri-Folder", "uri folder")
FILES = ("uri_file", "urifile", "URI_FILE")


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [*((one, "UriFolder") for one in FOLDERS), *((one, "UriFile") for one in FILES)],
)
def test_types_have_any_spelling(spelled: str, plain: str) -> None:
    """Azure ML's command line and SDK write ``uri_folder``."""
    assert_same(body(endpoint_input_type=spelled), body(endpoint_input_type=plain))
    binding = {"uri": "azureml://datastores/lake/paths/out/x.csv"}
    assert_same(
        {"inputs": {"a": {"type": spelled, **binding}}}, {"inputs": {"a": {"type": plain, **binding}}}
    )
    assert_same(NAMED | {"outputs": {"b": {"type": spelled, **binding}}},
                NAMED | {"outputs": {"b": {"type": plain, **binding}}})  # fmt: skip


@pytest.mark.parametrize("spelled", ["literal", "LITERAL"])
def test_so_has_the_type_of_a_literal(spelled: str) -> None:
    assert_same({"inputs": {"a": {"type": spelled, "value": "UriFolder"}}},
                {"inputs": {"a": {"type": "Literal", "value": "UriFolder"}}})  # fmt: skip


@pytest.mark.parametrize(("spelled", "plain"), [("Cancel", "cancel"), ("LEAVE", "leave")])
def test_so_has_what_happens_on_timeout(spelled: str, plain: str) -> None:
    assert_same(body(on_timeout=spelled), body(on_timeout=plain))


@pytest.mark.parametrize(
    "spelled", [ORIGIN, f"{ORIGIN}/", f"{ORIGIN}/jobs/", ENDPOINT_URI.replace("https", "HTTPS")]
)
def test_the_endpoint_may_lack_its_path_or_end_in_a_slash(spelled: str) -> None:
    assert_same(body(endpoint_uri=spelled), body(endpoint_uri=ENDPOINT_URI))


@pytest.mark.parametrize(
    "wrong", ["?api-version=1", "/jobs?api-version=1", "/jobs/1", "/score", "//", "/jobs//", "#x", "@b"]
)
def test_no_other_address_becomes_an_endpoint(wrong: str) -> None:
    assert [error.field for error in refusals(body(endpoint_uri=f"{ORIGIN}{wrong}"))] == ["endpoint_uri"]


def test_an_input_as_text_is_a_folder_and_an_output_a_file() -> None:
    assert_same({"inputs": {"a": INPUT_URI}}, {"inputs": {"a": {"type": "UriFolder", "uri": INPUT_URI}}})
    assert_same(
        NAMED | {"outputs": {"b": OUTPUT_URI}},
        NAMED | {"outputs": {"b": {"type": "UriFile", "uri": OUTPUT_URI}}},
    )


def test_text_that_is_no_uri_may_be_meant_as_a_literal() -> None:
    [error] = refusals({"inputs": {"mode": "append"}})
    assert error.field == "inputs.mode"
    assert '{"type": "Literal", "value": …}' in error.message


_names = st.sampled_from(["type", "uri", "value", "mini_batch_size", "output_file_name"])
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["120", "uri_file", INPUT_URI, ORIGIN]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(_names | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_requests = st.dictionaries(
    st.sampled_from([*BatchRunRequest.model_fields]) | st.text(max_size=3), _values, max_size=6
)


@given(_requests)
def test_what_is_in_the_one_spelling_stays_as_it_is(fields: dict[str, Any]) -> None:
    once = normalized(fields)
    assert json.dumps(normalized(once)) == json.dumps(once)


@given(_requests)
def test_a_name_that_is_no_field_is_never_lost(fields: dict[str, Any]) -> None:
    unknown = set(fields) - set(BatchRunRequest.model_fields)
    assert unknown <= set(normalized(fields))
    overrides = fields.get("overrides")
    if isinstance(overrides, dict) and set(overrides) - set(JobOverrides.model_fields):
        assert refusals(body(overrides=overrides))
