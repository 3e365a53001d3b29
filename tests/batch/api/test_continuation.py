import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.continuation import FIRST_PAGE, Continuation

HEADER_SAFE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
tokens = st.none() | HEADER_SAFE
places = st.builds(Continuation, tokens, st.text("abcxyz019-_@", max_size=20))
UNRESERVED = re.compile(r"[A-Za-z0-9_-]+")


@given(places)
def test_a_place_is_read_back_whatever_the_token_of_the_task_hub(place: Continuation) -> None:
    assert Continuation.decode(place.encode()) == place


@given(places)
def test_a_place_needs_no_encoding_in_a_url(place: Continuation) -> None:
    assert UNRESERVED.fullmatch(place.encode())


@given(places, places)
def test_two_places_are_written_differently(one: Continuation, other: Continuation) -> None:
    assert (one.encode() == other.encode()) is (one == other)


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")))
def test_a_made_up_text_is_not_a_place(text: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        Continuation.decode(text)


@given(HEADER_SAFE)
def test_a_token_of_the_task_hub_is_not_a_place(token: str) -> None:
    for text in (
        token,
        base64.b64encode(token.encode()).decode(),
        base64.b64encode(token.encode()).decode() + " ",
    ):
        with pytest.raises(ValueError, match="not a place"):
            Continuation.decode(text)


@given(places, st.data())
def test_a_damaged_text_is_not_a_place(place: Continuation, data: st.DataObject) -> None:
    text = place.encode()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_ =%é").filter(lambda character: character != text[at]))
    for damaged in (text[:at], text[at + 1 :], text[:at] + other + text[at + 1 :], text + other, text + "\n"):
        if damaged != text:
            with pytest.raises(ValueError, match="not a place"):
                Continuation.decode(damaged)


def test_the_first_page_has_a_place_too() -> None:
    assert Continuation.decode(FIRST_PAGE.encode()) == FIRST_PAGE
