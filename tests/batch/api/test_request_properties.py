"""Generated requests: wrong ones are refused with every reason, valid ones are stored unchanged."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batch.api.request import parse_request
from batch.api.request_fields import BatchRunRequest
from batch.errors import InvalidRequest
from batch.run.state import Run
from tests.batch.builders import ENDPOINT_URI, INPUT_URI, OUTPUT_URI, body, refusals
from tests.batch.builders import settings as app_settings

SECRET = "S3cr3tMarker"
FIELDS = list(BatchRunRequest.model_fields)
SHORT_FORM = {"endpoint_input_uri", "endpoint_input_type", "endpoint_output_uri"}

_with_secret = st.text(st.characters(codec="utf-8"), max_size=10).map(lambda text: f"!{SECRET}{text}")
_numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
_scalars = st.one_of(st.none(), st.booleans(), _numbers, _with_secret)
_json = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3),
    ),
    max_leaves=6,
)


def _of_other_types(*allowed: type) -> st.SearchStrategy[Any]:
    return _json.filter(lambda value: type(value) not in allowed)


_wrong_text = st.one_of(_of_other_types(str, type(None)), _with_secret)
_wrong_choice = st.one_of(_of_other_types(str, type(None)), _with_secret)
_wrong_uri = st.one_of(_wrong_text, _with_secret.map(lambda text: f"{INPUT_URI}?sig={text}"))
_wrong_binding = st.one_of(
    _of_other_types(dict),
    st.fixed_dictionaries({"type": _wrong_choice, "uri": _wrong_uri.filter(bool)}),
    st.fixed_dictionaries(
        {"type": st.just("UriFile"), "uri": _wrong_uri.filter(lambda uri: uri is not None)}
    ),
    st.fixed_dictionaries({"type": st.just("UriFile"), "uri": st.just(INPUT_URI), "more": _json}),
)
_wrong_bindings = st.one_of(
    _of_other_types(dict, type(None)),
    st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), _wrong_binding, min_size=1, max_size=2),
    st.just({"not a name": {"type": "UriFile", "uri": INPUT_URI}}),
)


def _wrong_seconds(most: int) -> st.SearchStrategy[Any]:
    others = _of_other_types(int, type(None)).filter(
        lambda value: not (isinstance(value, float) and value.is_integer())
    )
    return st.one_of(others, st.integers(max_value=0), st.integers(min_value=most + 1), st.booleans())


_wrong_overrides = st.one_of(
    _of_other_types(dict, type(None)),
    st.fixed_dictionaries({"mini_batch_size": _wrong_seconds(2**31 - 1)}),
    st.fixed_dictionaries({"output_file_name": _wrong_text}),
    st.fixed_dictionaries({"more": _json}),
).filter(lambda value: value != {"output_file_name": None})
_wrong_tags = st.one_of(
    _of_other_types(dict, type(None)),
    st.fixed_dictionaries({"team": _of_other_types(str, type(None))}),
    st.fixed_dictionaries({"not a name": st.just("fraud")}),
)


WRONG: dict[str, st.SearchStrategy[Any]] = {
    "endpoint_uri": st.one_of(_wrong_text, _with_secret.map(lambda text: f"https://{text}/jobs")),
    "endpoint_input_uri": _wrong_uri,
    "endpoint_input_type": _wrong_choice,
    "endpoint_output_uri": _wrong_uri,
    "poll_interval": _wrong_seconds(86_400),
    "inputs": _wrong_bindings,
    "outputs": _wrong_bindings,
    "deployment": _wrong_text,
    "experiment": _wrong_text,
    "run_id": _wrong_text,
    "queue_timeout": _wrong_seconds(30 * 86_400),
    "timeout": _wrong_seconds(30 * 86_400),
    "on_timeout": _wrong_choice,
    "cancel_timeout": _wrong_seconds(30 * 86_400),
    "overrides": _wrong_overrides,
    "tags": _wrong_tags,
    "job_attempts": _wrong_seconds(5),
    "retry_on": st.one_of(
        _of_other_types(list, str, type(None)), st.just([]), st.lists(_with_secret, min_size=1, max_size=2)
    ),
}


def test_every_field_has_its_wrong_values() -> None:
    assert list(WRONG) == FIELDS


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(FIELDS), min_size=1, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: WRONG[name] for name in names})
    )
)
def test_all_wrong_fields_are_named_at_once_and_no_value_is_repeated(wrong: dict[str, Any]) -> None:
    errors = refusals(body(**wrong))
    named = {error.field.partition(".")[0] for error in errors}
    assert set(wrong) <= named
    assert named - set(wrong) <= SHORT_FORM
    assert all(error.message for error in errors)
    assert SECRET not in str(InvalidRequest(errors))


@settings(max_examples=150)
@given(
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.text(max_size=8)), _json, max_size=5),
    st.none() | st.text(max_size=5),
)
def test_any_object_is_a_request_or_is_refused_with_reasons(fields: dict[str, Any], key: str | None) -> None:
    try:
        run_id, request = parse_request(json.dumps(fields).encode(), key, app_settings())
    except InvalidRequest as error:
        assert error.errors
        assert all(reason.field is not None and reason.message for reason in error.errors)
        assert SECRET not in str(error)
    else:
        assert run_id
        assert set(fields) <= set(FIELDS)
        assert request.endpoint_uri == ENDPOINT_URI


NOT_OUR_WORDS = (
    "Input should", "valid dictionary", "valid integer", "instance of", "JobInput", "JobOutput", "JobOverrides",
    "BatchRunRequest", "Extra inputs", "Field required", "Value error", "should match pattern", "String should",
    "characters long", "^[", "$", "EOF", "expected value at", "expected ident", "trailing comma", "key must be",
    "recursion limit", "pydantic", "serde", "at line", "literal_error", "None",
)  # fmt: skip


@settings(max_examples=300)
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(FIELDS, _json) | WRONG | {"properties": _json, "id": _json}
    ),
    st.none() | st.text(max_size=5),
)
def test_no_message_is_in_the_words_of_a_library(fields: dict[str, Any], key: str | None) -> None:
    for error in refusals(fields, key):
        assert not [word for word in NOT_OUR_WORDS if word in error.message]


@given(st.binary(max_size=200) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_message_about_a_body_is_in_the_words_of_a_library(sent: bytes) -> None:
    for error in refusals(sent):
        assert not [word for word in NOT_OUR_WORDS if word in error.message]


@given(
    st.binary(max_size=200) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.none() | st.text(max_size=5),
)
def test_any_bytes_are_refused_with_reasons(sent: bytes, key: str | None) -> None:
    assert refusals(sent, key)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_body_is_a_request_or_is_refused(position: int, byte: int) -> None:
    sent = bytearray(json.dumps(body(endpoint_output_uri=OUTPUT_URI, run_id="r-1", timeout=60)).encode())
    sent[position % len(sent)] = byte
    refusals(bytes(sent))


_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
_uris = st.from_regex(r"azureml://datastores/[a-z]{1,5}/paths/[a-zA-Z0-9/._ü-]{1,20}", fullmatch=True)
_literals = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
_inputs = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["UriFolder", "UriFile"]), "uri": _uris}),
    st.fixed_dictionaries({"type": st.just("Literal"), "value": _literals}),
)
_files = _uris.filter(lambda uri: not uri.endswith("/")) | _uris.map(lambda uri: uri + "{run_id}")
_outputs = st.one_of(
    st.fixed_dictionaries({"uri": _files}, optional={"type": st.just("UriFile")}),
    st.fixed_dictionaries({"uri": _uris, "type": st.just("UriFolder")}),
)
_valid = st.fixed_dictionaries(
    {"inputs": st.dictionaries(_names, _inputs, min_size=1, max_size=3)},
    optional={
        "outputs": st.dictionaries(_names, _outputs, max_size=3),
        "run_id": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True),
        "deployment": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True),
        "poll_interval": st.integers(1, 86_400),
        "queue_timeout": st.none() | st.integers(1, 30 * 86_400),
        "timeout": st.integers(1, 30 * 86_400),
        "on_timeout": st.sampled_from(["cancel", "leave"]),
        "cancel_timeout": st.none() | st.integers(1, 30 * 86_400),
        "tags": st.dictionaries(
            st.from_regex(r"[b-z][A-Za-z0-9._-]{0,9}", fullmatch=True), st.just("v"), max_size=10
        ),
    },
).filter(
    lambda fields: (
        not any(
            name.casefold().startswith(("batch_run", "inputtype", "outputtype"))
            for name in fields.get("tags", ())
        )
    )
)


@given(_valid)
def test_a_valid_request_is_carried_through_the_task_hub_unchanged(fields: dict[str, Any]) -> None:
    run_id, request = parse_request(json.dumps(fields).encode(), None, app_settings())
    carried = Run.from_json(json.loads(json.dumps(Run(request=request).to_json()))).request
    assert carried.fingerprint() == request.fingerprint()
    again_id, again = parse_request(json.dumps(fields).encode(), run_id, app_settings())
    assert again_id == run_id
    assert again.fingerprint() == carried.fingerprint()
    assert "{run_id}" not in json.dumps([output.uri for output in carried.outputs.values()])
