import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.continuation import encode_continuation
from batch.api.rebuild_query import encode_hub_token, parse_rebuild
from batch.errors import InvalidRequest

# What the task hub can send in a header; the extension's own tokens end with a space.
HEADER_SAFE = st.from_regex(r"[\x21-\x7e\xa0-\xff][\x20-\x7e\xa0-\xff]{0,40}", fullmatch=True)


@given(HEADER_SAFE)
def test_a_token_comes_back_unchanged_through_an_address(token: str) -> None:
    text = encode_hub_token(token)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert parse_rebuild({"continuation": text, "code": "key"}) == token


def test_without_a_continuation_it_begins_at_the_begin() -> None:
    assert parse_rebuild({"clientId": "default"}) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "made-up",
        "dGVzdA== ",
        encode_hub_token("dGVzdA== ")[:-1],
        encode_hub_token("a\r\nx-other: 1"),
        encode_hub_token(" a"),
        encode_continuation("000000000000001 r-1"),
    ],
)
def test_a_text_that_no_answer_gave_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_rebuild({"continuation": text})
    assert [error.field for error in refusal.value.errors] == ["continuation"]


def test_every_wrong_parameter_is_named() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_rebuild({"top": "5", "continuation": "made-up"})
    assert [error.field for error in refusal.value.errors] == ["top", "continuation"]
