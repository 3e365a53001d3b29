"""Each upload of a marker file starts one run, however its events come."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.new_data.blob import Blob
from batch.new_data.marker import MarkerUpload, upload_with
from tests.batch.new_data.events import blob


def _created(at: int) -> Blob:
    return replace(
        blob("in/_SUCCESS", version=f"create-{at}"), is_empty=True, is_created_only=True, order=f"{at:03}"
    )


def _closed(at: int) -> Blob:
    return replace(blob("in/_SUCCESS", version=f"close-{at}"), order=f"{at:03}")


def _runs(events: Sequence[Blob]) -> list[str]:
    """The run that each event is for, in the order in which they come."""
    known: MarkerUpload | None = None
    runs = []
    for one in events:
        known = upload_with(known, one, one.version)
        runs.append(known.run_id)
    return runs


@pytest.mark.parametrize("events", [*permutations([_created(1), _closed(2)])])
def test_created_and_closed_are_one_upload(events: tuple[Blob, ...]) -> None:
    assert _runs(events) == [events[0].version] * 2


def test_a_marker_that_nobody_closes_counts_when_it_is_created() -> None:
    assert _runs([_created(1), _created(2), _created(2)]) == ["create-1", "create-2", "create-2"]


def test_a_marker_whose_creation_nobody_announces_counts_when_it_is_closed() -> None:
    """A subscription of an earlier version lets only these events through."""
    assert _runs([_closed(1), _closed(2), _closed(2)]) == ["close-1", "close-2", "close-2"]


@pytest.mark.parametrize("events", [*permutations([_created(1), _closed(2), _closed(3)])])
def test_a_marker_that_is_closed_again_without_a_creation_is_another_upload(events: tuple[Blob, ...]) -> None:
    """Whatever comes first, the run of the second close starts after that close has come."""
    runs = _runs(events)
    starts = [number for number, run in enumerate(runs) if run not in runs[:number]]
    assert 1 <= len(starts) <= 2
    assert any(number >= events.index(_closed(3)) for number in starts)
    assert set(_runs([*events, *events])) == set(runs)


def test_events_without_sequencer_in_one_moment_are_one_upload() -> None:
    for events in permutations([_created(1), _closed(1)]):
        assert len(set(_runs(events))) == 1


def test_a_marker_that_is_written_anew_while_it_is_open_is_another_upload() -> None:
    """Whoever closes it then closes the second one."""
    assert _runs([_created(1), _created(2), _closed(3)]) == ["create-1", "create-2", "create-2"]
    crossed = [_created(1), _closed(3), _created(2), _closed(4)]
    assert _runs(crossed) == ["create-1", "create-1", "create-2", "close-4"]


def test_what_is_older_than_the_newest_upload_starts_nothing() -> None:
    assert _runs([_created(5), _created(3), _closed(4)]) == ["create-5"] * 3
    assert _runs([_closed(5), _closed(4)]) == ["close-5"] * 2


_A_DAY = timedelta(days=1)


def _later(one: Blob, after: timedelta) -> Blob:
    return replace(one, created_at=one.created_at + after, version=f"{one.version} later")


@pytest.mark.parametrize("before", [[_created(8), _closed(9)], [_closed(9)], [_closed(8), _closed(9)]])
def test_an_order_that_begins_anew_loses_no_upload(before: list[Blob]) -> None:
    """A storage account that was deleted and made again has the same name, and other sequencers."""
    after = [_later(one, _A_DAY) for one in (_created(1), _closed(2))]
    next_one = [_later(one, 2 * _A_DAY) for one in (_created(3), _closed(4))]
    runs = _runs([*before, *after, *after, *next_one, *after])
    assert runs[len(before) :] == ["create-1 later"] * 4 + ["create-3 later"] * 4


def test_events_with_and_without_sequencer_lose_no_upload() -> None:
    by_time = replace(_created(1), order="2026-01-31T12:00:00.000000+00:00")
    after = [_later(one, _A_DAY) for one in (_created(2), _closed(3))]
    assert _runs([by_time, _closed(1), *after]) == [by_time.version] * 2 + ["create-2 later"] * 2


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_an_event_from_the_end_of_time_is_one_of_its_upload(at: datetime) -> None:
    assert _runs([replace(_created(2), created_at=at), _closed(3), _created(2)]) == ["create-2"] * 3


def test_an_event_that_is_delivered_again_a_day_later_is_as_old_as_it_was() -> None:
    first = [_created(1), _closed(2)]
    second = [_later(one, _A_DAY) for one in (_created(3), _closed(4))]
    assert _runs([*first, *second, *first])[-2:] == ["create-3 later"] * 2


Upload = list[Blob]
"""Its events, in the order in which they come first."""


@st.composite
def _uploads(draw: st.DrawFn) -> list[Upload]:
    found = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        events = [_created(10 * number), _closed(10 * number + draw(st.integers(1, 9)))]
        if draw(st.booleans()):
            events.pop()
        found.append(draw(st.permutations(events)))
    return found


@given(_uploads(), st.data())
def test_each_upload_starts_one_run_whatever_is_delivered_again(
    uploads: list[Upload], data: st.DataObject
) -> None:
    """The events of an upload come in any order. Each event comes again whenever Event Grid likes."""
    delivered: list[Blob] = []
    for one in (event for upload in uploads for event in upload):
        delivered.append(one)
        delivered += data.draw(st.lists(st.sampled_from(delivered), max_size=2))
    assert len(set(_runs(delivered))) == len(uploads)


@given(_uploads())
def test_a_close_may_come_after_the_next_creation(uploads: list[Upload]) -> None:
    for first, second in pairwise(uploads):
        if first[0].is_created_only:
            crossed = [first[0], second[0], *first[1:], *second[1:]]
            assert len(set(_runs(crossed))) == 2
