import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import MAX_MESSAGE_LENGTH, ErrorCode, FieldError, InvalidRequest, RunError, shorten

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4eHh4eHh4In0.c2lnbmF0dXJl"


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_short_text_is_one_line_within_its_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert len(short.splitlines()) <= 1
    assert shorten(short, limit) == short


@pytest.mark.parametrize(
    ("text", "short"), [("", ""), (" a\r\n\tb ", "a b"), ("x" * 11, "x" * 9 + "…"), ("x" * 10, "x" * 10)]
)
def test_a_text_is_shortened_to_one_line(text: str, short: str) -> None:
    assert shorten(text, 10) == short


def test_a_message_is_redacted_before_it_is_cut() -> None:
    message = RunError(ErrorCode.INTERNAL, "x" * (MAX_MESSAGE_LENGTH - 9) + f" {TOKEN}").message
    assert len(message) <= MAX_MESSAGE_LENGTH
    assert "eyJ" not in message


def test_a_refusal_states_every_reason() -> None:
    error = InvalidRequest([FieldError("a", "is wrong"), FieldError("b", "is missing")])
    assert str(error) == "a: is wrong; b: is missing"
