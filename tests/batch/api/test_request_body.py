"""Bodies that are not a JSON object, or are too large."""

import json

import pytest

from batch.api.request import MAX_ERRORS, parse_request
from batch.api.request_body import MAX_BODY_BYTES
from batch.errors import FieldError
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
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf\xef\xbb\xbf{}",
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


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "is empty; send a JSON object"),
        (b" \r\n", "is empty; send a JSON object"),
        (b"\xef\xbb\xbf", "is empty; send a JSON object"),
        ("{}".encode("utf-16"), "is in UTF-16; send it in UTF-8"),
        (b"{", "is not JSON: it ends too early (line 1, column 1)"),
        (b'{"a": 1,\n}', "is not JSON: it has a comma before the end of an object or a list (line 2, column 1)"),
        (b"{'a': 1}", "is not JSON: a name is not in double quotes (line 1, column 2)"),
        (b'{"a" 1}', "is not JSON: a colon after a name is missing (line 1, column 6)"),
        (b'{"a": 1 "b": 2}', "is not JSON: a comma or a bracket is missing (line 1, column 9)"),
        (b"{} {}", "is not JSON: it has more text after the end of the object (line 1, column 4)"),
        (b'{"a": NaN}', "is not JSON: a value is not written as in JSON (line 1, column 7)"),
        (b'{"a": 01}', "is not JSON: a number is not written as in JSON (line 1, column 8)"),
        (b'{"a": "\xff"}', "is not JSON: a text has bytes that are not UTF-8 (line 1, column 8)"),
        (b'{"a": "b\nc"}', "is not JSON: a text has a line break or another control character (line 2, column 0)"),
        (b'{"a": "\\ud800"}', "is not JSON: a text has a wrong escape sequence (line 1, column 14)"),
        (b"[" * 300, "is not JSON: it is nested too deeply (line 1, column 202)"),
        (b'"{}"', "must be a JSON object, not a text that holds one"),
        (b"[]", "must be a JSON object"),
    ],
    ids=lambda value: repr(value[:24]),
)  # fmt: skip
def test_the_reason_is_in_our_words(sent: bytes, words: str) -> None:
    assert refusals(sent) == [FieldError("body", words)]


def test_a_body_may_begin_with_a_byte_order_mark() -> None:
    """Windows PowerShell writes one into each file in UTF-8."""
    sent = json.dumps(body(run_id="r-1")).encode()
    with_mark = parse_request(b"\xef\xbb\xbf" + sent, None, settings())
    assert with_mark == parse_request(sent, None, settings())


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
