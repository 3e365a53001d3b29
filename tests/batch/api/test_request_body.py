"""Bodies that are not a JSON object, or are too large."""

import json

import pytest

from batch.api.request import MAX_BODY_BYTES, MAX_ERRORS, parse_request
from tests.batch.builders import body, refusals, settings

NOT_JSON = [
    b"",
    b" ",
    b"{",
    b"{}{}",
    b'{"a":1,}',
    b"{'a':1}",
    b"{a:1}",
    b'{"poll_interval": 01}',
    b'{"poll_interval": NaN}',
    b'{"poll_interval": Infinity}',
    b'{"poll_interval": -Infinity}',
    b'{"run_id": "\xff\xfe"}',
    b'{"run_id": "\xed\xa0\x80"}',
    b'{"run_id": "\\ud800"}',
    b'{"run_id": "\\udc00\\ud800"}',
    b'{"\\ud800": 1}',
    b'{"run_id": "a\nb"}',
    b"\xef\xbb\xbf{}",
    json.dumps(body()).encode("utf-16"),
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"inputs":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b'{"poll_interval":' + b"9" * 5_000 + b"}",
    b"\x00",
    b"endpoint_input_uri=azureml:x:1",
]
NOT_AN_OBJECT = [b"null", b"[]", b'"text"', b"1", b"true", b"[{}]", b"1e5"]


@pytest.mark.parametrize("sent", [*NOT_JSON, *NOT_AN_OBJECT], ids=lambda sent: repr(sent[:24]))
def test_a_body_that_is_not_a_json_object_is_refused(sent: bytes) -> None:
    [error] = refusals(sent)
    assert error.field == "body"
    assert len(error.message) < 200


def test_a_body_has_a_greatest_length() -> None:
    sent = json.dumps(body()).encode()
    assert not refusals(sent.ljust(MAX_BODY_BYTES))
    [error] = refusals(sent.ljust(MAX_BODY_BYTES + 1))
    assert error.field == "body"
    assert str(MAX_BODY_BYTES) in error.message


def test_if_a_field_is_given_twice_the_last_value_counts() -> None:
    twice = b'{"run_id": "first", "run_id": "last", "endpoint_input_uri": "azureml:a:1"}'
    run_id, _ = parse_request(twice, None, settings())
    assert run_id == "last"
    assert [error.field for error in refusals(twice.replace(b'"last"', b"5"))] == ["run_id"]


def test_only_some_of_very_many_errors_are_named() -> None:
    errors = refusals(body(**{f"x{number}" * 50: 1 for number in range(200)}))
    assert len(errors) == MAX_ERRORS
    assert all(len(error.field) <= 200 for error in errors)
