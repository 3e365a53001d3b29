import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.list_place import FIRST, ListPlace

HEADER_SAFE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
tokens = st.none() | HEADER_SAFE
places = st.builds(ListPlace, tokens, st.text("abcxyz019-_@", max_size=20))
UNRESERVED = re.compile(r"[A-Za-z0-9_-]+")


@given(places)
def test_a_place_is_found_again_whatever_the_hubs_token(place: ListPlace) -> None:
    assert ListPlace.read(place.written()) == place


@given(places)
def test_a_place_travels_in_a_url_as_it_is(place: ListPlace) -> None:
    assert UNRESERVED.fullmatch(place.written())


@given(places, places)
def test_two_places_are_written_differently(one: ListPlace, other: ListPlace) -> None:
    assert (one.written() == other.written()) is (one == other)


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")))
def test_what_is_made_up_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        ListPlace.read(text)


@given(HEADER_SAFE)
def test_a_token_of_the_hub_is_no_place(token: str) -> None:
    for text in (
        token,
        base64.b64encode(token.encode()).decode(),
        base64.b64encode(token.encode()).decode() + " ",
    ):
        with pytest.raises(ValueError, match="not a place"):
            ListPlace.read(text)


@given(places, st.data())
def test_what_is_damaged_is_no_place(place: ListPlace, data: st.DataObject) -> None:
    text = place.written()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_ =%é").filter(lambda character: character != text[at]))
    for damaged in (text[:at], text[at + 1 :], text[:at] + other + text[at + 1 :], text + other, text + "\n"):
        if damaged != text:
            with pytest.raises(ValueError, match="not a place"):
                ListPlace.read(damaged)


def test_the_first_page_has_a_place_too() -> None:
    assert ListPlace.read(FIRST.written()) == FIRST
