import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.continuation import decode_continuation, encode_continuation
from ledger.run_row import place_of
from tests.batch.builders import after

times = st.integers(0, 10**15 - 1).map(lambda number: f"{number:015}")
run_ids = st.from_regex(r"[A-Za-z0-9._-]{1,100}", fullmatch=True)
places = st.builds(lambda time, run_id: f"{time} {run_id}", times, run_ids)
UNRESERVED = re.compile(r"[A-Za-z0-9_-]+")


@given(places)
def test_a_place_is_read_back(place: str) -> None:
    assert decode_continuation(encode_continuation(place)) == place


@given(places)
def test_a_place_needs_no_encoding_in_a_url(place: str) -> None:
    assert UNRESERVED.fullmatch(encode_continuation(place))


@given(places, places)
def test_two_places_are_written_differently(one: str, other: str) -> None:
    assert (encode_continuation(one) == encode_continuation(other)) is (one == other)


@given(run_ids, st.integers(-(10**9), 10**9))
def test_the_place_of_each_run_is_read_back(run_id: str, seconds: int) -> None:
    place = place_of(run_id, after(seconds))
    assert decode_continuation(encode_continuation(place)) == place


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")))
def test_a_made_up_text_is_not_a_place(text: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        decode_continuation(text)


@given(places)
def test_a_place_without_its_checksum_is_not_accepted(place: str) -> None:
    for text in (place, base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")):
        with pytest.raises(ValueError, match="not a place"):
            decode_continuation(text)


@pytest.mark.parametrize(
    "other_form",
    [
        # As the version before the ledger kept it: a token of the task hub, and the last run.
        '["dG9rZW4= ", "nightly-3"]',
        "",
        "nightly-3",
        "000000000000001",
        "000000000000001 ",
        " nightly-3",
        "00000000000001 nightly-3",
        "0000000000000001 nightly-3",
        "000000000000001 nightly 3",
        "000000000000001 nightly-3\n",
        "000000000000001 ~",
        "-00000000000001 nightly-3",
        "\u0660" * 15 + " nightly-3",
        "000000000000001 n\u00e4chtlich",
    ],
)
def test_a_sealed_text_of_another_form_is_not_a_place(other_form: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        decode_continuation(encode_continuation(other_form))


@given(places, st.data())
def test_a_damaged_text_is_not_a_place(place: str, data: st.DataObject) -> None:
    text = encode_continuation(place)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_ =%é").filter(lambda character: character != text[at]))
    for damaged in (text[:at], text[at + 1 :], text[:at] + other + text[at + 1 :], text + other, text + "\n"):
        if damaged != text:
            with pytest.raises(ValueError, match="not a place"):
                decode_continuation(damaged)
