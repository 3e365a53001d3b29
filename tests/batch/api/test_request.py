import json
import re
from datetime import timedelta

import pytest

from batch.api.request import parse_fields, parse_request
from batch.api.request_fields import MAX_TIMEOUT, RUN_ID_RULE
from batch.errors import FieldError, InvalidRequest
from batch.run.request import Binding, RunRequest
from batch.run.state import Run
from tests.batch.builders import ENDPOINT_URI, INPUT_URI, OUTPUT_URI, body, parse, refusals, settings

SECRET = "S3cr3tMarker"
SHORT = {"endpoint_input_uri": INPUT_URI, "endpoint_output_uri": OUTPUT_URI, "run_id": "r-1"}
NAMED = {
    "inputs": {"input_data": {"type": "UriFolder", "uri": INPUT_URI}},
    "outputs": {"output_data": {"type": "UriFile", "uri": OUTPUT_URI}},
    "run_id": "r-1",
}


def test_defaults_are_those_of_the_data_factory_pipeline() -> None:
    run_id, request = parse(body())
    assert re.fullmatch(r"[0-9a-f]{32}", run_id)
    assert request.endpoint_uri == ENDPOINT_URI
    assert request.inputs == {"input_data": Binding(type="UriFolder", uri=INPUT_URI)}
    uri = f"azureml://datastores/workspaceblobstore/paths/batch-runs/{run_id}/predictions.csv"
    assert request.output_uris() == {"output_data": uri}
    assert (request.poll_interval, request.timeout, request.queue_timeout) == (120, 86_400, None)
    assert (request.cancel_timeout, request.time_to_cancel()) == (None, timedelta(minutes=30))
    assert (request.on_timeout, request.deployment, request.experiment) == ("cancel", None, None)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, (1, ())),
        ({"job_attempts": 1}, (1, ())),
        ({"job_attempts": 3}, (3, ("preemption", "service"))),
        ({"job_attempts": 3, "retry_on": ["service", "preemption"]}, (3, ("preemption", "service"))),
        ({"job_attempts": 3, "retry_on": ["service"]}, (3, ("service",))),
    ],
)
def test_a_run_submits_again_only_if_it_was_asked_to(fields: dict[str, object], kept: tuple[object]) -> None:
    request = parse(body(**fields))[1]
    assert (request.job_attempts, request.retry_on) == kept


def test_reasons_to_submit_again_need_more_than_one_job() -> None:
    for fields in ({"retry_on": ["service"]}, {"retry_on": ["service"], "job_attempts": 1}):
        [error] = refusals(body(**fields))
        assert (error.field, error.message) == ("retry_on", "has no effect unless job_attempts is 2 or more")


def test_the_output_of_the_short_form_is_that_of_the_setting() -> None:
    app = settings(DEFAULT_OUTPUT_URI="azureml://datastores/lake/paths/scored/{run_id}.csv")
    _, request = parse(body(run_id="r-1"), app=app)
    assert request.output_uris() == {"output_data": "azureml://datastores/lake/paths/scored/r-1.csv"}
    assert request.outputs["output_data"].template == app.default_output
    _, asked = parse(body(run_id="r-1", endpoint_output_uri=OUTPUT_URI), app=app)
    assert asked.output_uris() == {"output_data": OUTPUT_URI.replace("{run_id}", "r-1")}
    assert parse(body(run_id="r-1"), app=settings(DEFAULT_OUTPUT_URI="none"))[1].outputs == {}


def test_named_inputs_get_no_output_that_nobody_named() -> None:
    assert parse({"inputs": NAMED["inputs"]})[1].outputs == {}


@pytest.mark.parametrize("fields", [SHORT, NAMED])
def test_an_output_with_the_run_id_keeps_its_template(fields: dict[str, object]) -> None:
    [output] = parse(fields)[1].outputs.values()
    assert (output.uri, output.template) == (OUTPUT_URI.replace("{run_id}", "r-1"), OUTPUT_URI)
    plain = "azureml://datastores/lake/paths/out.csv"
    assert parse(body(endpoint_output_uri=plain))[1].outputs["output_data"].template is None


def test_a_file_for_the_predictions_is_no_folder() -> None:
    folder = "azureml://datastores/lake/paths/out/{run_id}/"
    named = {
        "inputs": NAMED["inputs"],
        "outputs": {"a": {"uri": folder}, "b": {"type": "UriFile", "uri": folder}},
    }
    for fields, names in (
        (body(endpoint_output_uri=folder), ["endpoint_output_uri"]),
        (named, ["outputs.a.uri", "outputs.b.uri"]),
    ):
        found = refusals(fields)
        assert [error.field for error in found] == names
        assert all("must name a file" in error.message for error in found)
    as_folder = {"inputs": NAMED["inputs"], "outputs": {"a": {"type": "UriFolder", "uri": folder}}}
    assert not refusals(as_folder)


@pytest.mark.parametrize(
    "uri",
    [
        "https://acct.blob.core.windows.net/c/p.csv",
        "azureml:heart:1",
        "abfss://c@acct.dfs.core.windows.net/p",
    ],
)
def test_an_output_is_a_place_in_a_datastore(uri: str) -> None:
    for fields in (
        body(endpoint_output_uri=uri),
        {"inputs": NAMED["inputs"], "outputs": {"a": {"type": "UriFolder", "uri": uri}}},
    ):
        [error] = refusals(fields)
        assert "must be azureml://datastores/<name>/paths/<path>" in error.message


def test_a_space_in_a_uri_is_named_with_what_to_do() -> None:
    uri = "azureml://datastores/samples/paths/monday data/"
    with pytest.raises(InvalidRequest) as error:
        parse_fields({"endpoint_input_uri": uri}, None, settings())
    [wrong] = error.value.errors
    assert wrong.field == "endpoint_input_uri"
    assert wrong.message.startswith("holds a space, which a URI cannot hold. Give the https URL of the data")


def test_two_requests_without_a_run_id_are_two_runs() -> None:
    assert parse(body())[0] != parse(body())[0]


def test_the_short_form_makes_the_same_request_as_the_named_form() -> None:
    short, named = parse(SHORT), parse(NAMED)
    assert short[0] == named[0]
    assert short[1].fingerprint() == named[1].fingerprint()
    assert short[1] == named[1]


def test_the_short_form_carries_the_input_type() -> None:
    _, request = parse(body(endpoint_input_type="UriFile"))
    assert request.inputs["input_data"].type == "UriFile"


def test_null_counts_as_absent_where_there_is_no_other_default() -> None:
    nulls = dict.fromkeys(
        [
            "endpoint_uri",
            "endpoint_output_uri",
            "inputs",
            "outputs",
            "deployment",
            "experiment",
            "queue_timeout",
            "cancel_timeout",
            "retry_on",
        ]
    )
    assert parse(body(run_id=None, **nulls))[1].fingerprint() == parse(body())[1].fingerprint()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("azureml://datastores/lake/paths/{run_id}", "azureml://datastores/lake/paths/r-1"),
        (
            "azureml://datastores/lake/paths/{run_id}/{run_id}.csv",
            "azureml://datastores/lake/paths/r-1/r-1.csv",
        ),
        ("azureml://datastores/lake/paths/out.csv", "azureml://datastores/lake/paths/out.csv"),
    ],
)
def test_the_run_id_is_put_into_outputs(uri: str, expected: str) -> None:
    _, short = parse(body(endpoint_output_uri=uri, run_id="r-1"))
    assert short.outputs["output_data"].uri == expected
    _, named = parse({"inputs": NAMED["inputs"], "outputs": {"a": {"uri": uri}}}, "r-1")
    assert named.outputs["a"].uri == expected


def test_a_new_run_id_is_put_into_outputs_too() -> None:
    run_id, request = parse(body(endpoint_output_uri=OUTPUT_URI))
    assert request.outputs["output_data"].uri == OUTPUT_URI.replace("{run_id}", run_id)


def test_an_accepted_output_can_be_stored_with_the_run_whatever_its_run_id() -> None:
    uri = "azureml://datastores/lake/paths/".ljust(2_040, "x") + "{run_id}"
    fields = body(endpoint_output_uri=uri, run_id="r" * 100)
    if not refusals(fields):
        _, request = parse(fields)
        assert Run.from_json(Run(request=request).to_json()).request == request


@pytest.mark.parametrize(
    ("literal", "kind"),
    [("1", int), ("1.0", float), ("true", bool), ('"1"', str), (str(2**63 - 1), int), ("-0.5", float)],
)
def test_literals_keep_their_type(literal: str, kind: type) -> None:
    _, request = _with_literal(literal)
    value = request.inputs["mode"].value
    assert type(value) is kind
    assert value == json.loads(literal)
    assert Run.from_json(Run(request=request).to_json()).request.fingerprint() == request.fingerprint()


@pytest.mark.parametrize(
    "literal", ["[]", "{}", "1" + "0" * 400, "1e400", "-1e999", f'"{"x" * 2_049}"', "null"]
)
def test_no_other_value_is_a_literal(literal: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        _with_literal(literal)
    assert {error.field for error in refusal.value.errors} <= {"inputs.mode", "inputs.mode.value"}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30 + 1])
def test_whole_numbers_beyond_64_bits_are_not_literals(number: int) -> None:
    with pytest.raises(InvalidRequest):
        _with_literal(str(number))


def test_requests_whose_literals_have_different_types_differ() -> None:
    requests = [_with_literal(text)[1] for text in ("1", "1.0", "true", '"1"')]
    for i, one in enumerate(requests):
        for j, other in enumerate(requests):
            assert (one.fingerprint() == other.fingerprint()) is (i == j)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint_input_uri": INPUT_URI + "x"},
        {"endpoint_input_type": "UriFile"},
        {"endpoint_output_uri": OUTPUT_URI + "x"},
        {"poll_interval": 121},
        {"deployment": "blue"},
        {"experiment": "e"},
        {"queue_timeout": 1},
        {"timeout": 86_399},
        {"on_timeout": "leave"},
        {"cancel_timeout": 1},
        {"overrides": {"mini_batch_size": 1}},
        {"tags": {"team": "fraud"}},
        {"job_attempts": 2},
        {"job_attempts": 2, "retry_on": ["service"]},
    ],
    ids=str,
)
def test_another_value_of_any_field_makes_another_request(change: dict[str, object]) -> None:
    assert parse(SHORT)[1].fingerprint() != parse(SHORT | change)[1].fingerprint()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, {"endpoint_input_uri"}),
        ({"outputs": NAMED["outputs"]}, {"endpoint_input_uri"}),
        (SHORT | {"inputs": NAMED["inputs"]}, {"endpoint_input_uri", "endpoint_output_uri"}),
        ({"inputs": NAMED["inputs"], "endpoint_output_uri": OUTPUT_URI}, {"endpoint_output_uri"}),
        ({"inputs": NAMED["inputs"], "endpoint_input_type": "UriFile"}, {"endpoint_input_type"}),
        ({"endpoint_input_uri": INPUT_URI, "outputs": NAMED["outputs"]}, {"endpoint_input_uri"}),
        ({"inputs": {}}, {"inputs"}),
        ({"inputs": {}, "outputs": NAMED["outputs"]}, {"inputs"}),
        ({"inputs": {}, "endpoint_input_uri": INPUT_URI}, {"inputs", "endpoint_input_uri"}),
    ],
)
def test_short_form_and_named_bindings_exclude_each_other(fields: object, named: set[str]) -> None:
    assert {error.field for error in refusals(fields)} == named


@pytest.mark.parametrize(
    ("binding", "field"),
    [
        ({"type": "UriFile"}, "inputs.a"),
        ({"type": "UriFolder", "uri": INPUT_URI, "value": 1}, "inputs.a"),
        ({"type": "Literal", "value": 1, "uri": INPUT_URI}, "inputs.a"),
        ({"type": "Literal"}, "inputs.a"),
        ({"type": "MLTable", "uri": INPUT_URI}, "inputs.a.type"),
        ({"uri": INPUT_URI}, "inputs.a.type"),
        ({"type": "UriFile", "uri": INPUT_URI, "mode": "Download"}, "inputs.a.mode"),
        ({"type": "UriFile", "uri": "https://a/b?sig=x"}, "inputs.a.uri"),
        (5, "inputs.a"),
        (None, "inputs.a"),
    ],
)
def test_a_named_input_is_data_or_a_literal(binding: object, field: str) -> None:
    assert [error.field for error in refusals({"inputs": {"a": binding}})] == [field]


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("poll_interval", 1, 86_400),
        ("queue_timeout", 1, MAX_TIMEOUT),
        ("timeout", 1, MAX_TIMEOUT),
        ("cancel_timeout", 1, MAX_TIMEOUT),
        ("job_attempts", 1, 5),
    ],
)
def test_numbers_have_bounds(field: str, least: int, most: int) -> None:
    for value in (least, most):
        assert not refusals(body(**{field: value}))
    for wrong in (least - 1, most + 1, -1, 10**4_000, 1.5, "1.5", "", "one", True, [1], "9" * 30):
        errors = [(error.field, error.message) for error in refusals(body(**{field: wrong}))]
        assert errors == ([] if wrong == "" else [(field, f"must be a whole number from {least} to {most}")])


@pytest.mark.parametrize("field", ["Poll_Interval", "endpoint-uri", "", "id"])
def test_unknown_fields_are_refused(field: str) -> None:
    [error] = refusals(body(**{field: SECRET}))
    assert error.field == field
    assert "known" in error.message
    assert SECRET not in error.message


@pytest.mark.parametrize(
    "fields",
    [
        body(endpoint_input_uri=f"https://a.blob.core.windows.net/c?sig={SECRET}"),
        body(endpoint_output_uri=f"azureml://datastores/lake/paths/o?sig={SECRET}"),
        body(endpoint_uri=f"{ENDPOINT_URI}?sig={SECRET}"),
        {"inputs": {"a": {"type": "UriFile", "uri": f"https://a/b?sig={SECRET}"}}},
        {"inputs": NAMED["inputs"], "outputs": {"a": {"uri": f"https://a/b#{SECRET}"}}},
    ],
)
def test_signatures_are_refused_in_every_uri(fields: object) -> None:
    errors = refusals(fields)
    assert len(errors) == 1
    assert errors[0].field.endswith("uri")
    assert SECRET not in str(InvalidRequest(errors))


RUN_IDS = ["a", "0", "r-1", "A.b_c-d", "x" * 100, "nightly-2026.01.31"]
INVALID_RUN_IDS = [
    "-a",
    ".a",
    "_a",
    "a/b",
    "a\\b",
    "a b",
    "a?b",
    "a#b",
    "@a@b",
    "a\n",
    "ä",
    "x" * 101,
    "a\x00",
    "$",
]


@pytest.mark.parametrize("run_id", RUN_IDS)
def test_the_run_id_comes_from_the_field_or_the_header(run_id: str) -> None:
    assert parse(body(run_id=run_id))[0] == run_id
    assert parse(body(), run_id)[0] == run_id
    assert parse(body(run_id=None), run_id)[0] == run_id
    assert parse(body(run_id=run_id), run_id)[0] == run_id


@pytest.mark.parametrize("run_id", INVALID_RUN_IDS)
def test_a_run_id_must_be_a_valid_instance_id(run_id: str) -> None:
    assert refusals(body(run_id=run_id)) == [FieldError("run_id", RUN_ID_RULE)]
    assert refusals(body(), run_id) == [FieldError("Idempotency-Key", RUN_ID_RULE)]


def test_an_empty_header_is_no_run_id() -> None:
    assert [error.field for error in refusals(body(), "")] == ["Idempotency-Key"]


@pytest.mark.parametrize(("run_id", "key"), [("a", "b"), ("a", "A"), ("a", "a ")])
def test_field_and_header_must_agree(run_id: str, key: str) -> None:
    assert [error.field for error in refusals(body(run_id=run_id), key)] == ["Idempotency-Key"]


def test_a_wrong_run_id_and_a_wrong_header_are_both_named() -> None:
    assert {error.field for error in refusals(body(run_id=5), "/")} == {"run_id", "Idempotency-Key"}
    assert {error.field for error in refusals(body(run_id="/"), "a")} == {"run_id", "Idempotency-Key"}


@pytest.mark.parametrize("count", [50, 51])
def test_bindings_are_limited_in_number(count: int) -> None:
    bindings = {f"n{number}": {"type": "UriFile", "uri": INPUT_URI} for number in range(count)}
    assert bool(refusals({"inputs": bindings})) is (count > 50)


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a.", ".a", "a..b", "ä", "x" * 65, "[key]"])
def test_a_binding_has_the_name_of_a_variable(name: str) -> None:
    assert refusals({"inputs": {name: {"type": "Literal", "value": 1}}})
    assert refusals({"inputs": NAMED["inputs"], "outputs": {name: {"uri": OUTPUT_URI}}})


def test_a_parameter_of_a_group_has_a_name_with_dots() -> None:
    _, request = parse({"inputs": {"group.inner.rate": {"type": "Literal", "value": 0.1}}})
    assert request.inputs["group.inner.rate"].value == 0.1
    assert refusals({"inputs": NAMED["inputs"], "outputs": {"a.b": {"uri": OUTPUT_URI}}})


@pytest.mark.parametrize("field", ["deployment", "experiment"])
@pytest.mark.parametrize("name", ["-a", "a/b", "a b", "a\r\nX-Header: 1", "ä", "x" * 256, "a:b", 5, [], {}])
def test_names_that_go_into_headers_are_plain(field: str, name: object) -> None:
    assert [error.field for error in refusals(body(**{field: name}))] == [field]


def _with_literal(literal: str) -> tuple[str, RunRequest]:
    sent = f'{{"inputs": {{"mode": {{"type": "Literal", "value": {literal}}}}}}}'
    return parse_request(sent.encode(), None, settings())


@pytest.mark.parametrize(
    ("fields", "fingerprint"),
    [
        (body(), "42f5cc4119c629c221adce2c549368c141dec1ad9f4821a99e7ab63ec948ab24"),
        (
            body(
                endpoint_output_uri=OUTPUT_URI,
                endpoint_input_type="UriFile",
                poll_interval=60,
                timeout=3_600,
                queue_timeout=60,
                deployment="blue",
                on_timeout="leave",
                cancel_timeout=9,
            ),
            "03d0f4af2485f518d8d91c5dea80138165d11db130bd53635d0b7d5530dea724",
        ),
        (
            {
                "inputs": {
                    "a": {"type": "Literal", "value": 0.5},
                    "b": {"type": "UriFolder", "uri": "azureml:x:1"},
                },
                "outputs": {"c": {"uri": "azureml://datastores/lake/paths/o.csv"}},
                "experiment": "e",
            },
            "c49c077cfe79c06f0711e2e52c69dca830a6f324d323cbdf294dccc6a3020348",
        ),
    ],
)
def test_the_fingerprint_of_a_request_is_that_of_version_1_3(
    fields: dict[str, object], fingerprint: str
) -> None:
    """Its run may have been started by that version: the same request starts no second one."""
    assert parse({"run_id": "r-1", **fields})[1].fingerprint() == fingerprint
