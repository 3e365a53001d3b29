"""What a run reports of the blobs that it stands for, and that the custom status has room for it."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import ErrorCode
from batch.new_data.blob import MAX_NAME_LENGTH, Blob
from batch.run.outcome import End, end_of
from batch.run.source import MAX_NAMES, DataSource
from batch.run.state import CancelCause
from tests.batch.builders import START, after, custom_status, run
from tests.batch.new_data.events import blob
from tests.batch.run.status_size import STATUS_LIMIT, largest_run, size_of


def _gathered(blobs: list[Blob]) -> DataSource:
    source = blobs[0].source()
    for each in blobs[1:]:
        source = source.merged_with(each.source())
    return source


def test_the_source_of_one_blob() -> None:
    assert blob("in/2026/a.csv").source().to_json() == {
        "container": "data",
        "folder": "in/2026",
        "count": 1,
        "first_event_at": "2026-01-31T12:00:00Z",
        "last_event_at": "2026-01-31T12:00:00Z",
        "names": ["a.csv"],
    }


_times = st.integers(-(10**6), 10**6).map(lambda passed: START + timedelta(milliseconds=passed))


@given(
    st.lists(
        st.tuples(st.text("ab\u4e2d\U0001f600", min_size=1, max_size=3), _times), min_size=1, max_size=130
    )
)
def test_a_source_counts_any_number_of_blobs_in_any_order(arrived: list[tuple[str, datetime]]) -> None:
    source = _gathered([blob(f"in/{name}", at=at) for name, at in arrived])
    times = [at for _, at in arrived]
    assert (source.container, source.folder, source.count) == ("data", "in", len(arrived))
    assert (source.first_event_at, source.last_event_at) == (min(times), max(times))
    assert list(source.names) == [name for name, _ in arrived][:MAX_NAMES]
    assert DataSource.model_validate(json.loads(json.dumps(source.to_json()))) == source


@given(st.lists(st.text("ab\U0001f600", min_size=1, max_size=400), min_size=1, max_size=110))
def test_a_status_shows_the_names_that_there_is_room_for(names: list[str]) -> None:
    source = _gathered([blob(f"in/{name}") for name in names])
    shown = source.shortened_view()
    assert shown["names"] == names[: len(shown["names"])]
    assert shown == {**source.to_json(), "names": shown["names"]}
    assert sum(map(len, shown["names"])) <= 2_000
    if len(shown["names"]) < min(len(names), MAX_NAMES):
        assert sum(map(len, names[: len(shown["names"]) + 1])) > 2_000


def test_a_hundred_names_of_common_length_are_all_shown() -> None:
    source = _gathered([blob(f"in/part-{number:05}.csv") for number in range(500)])
    assert len(source.shortened_view()["names"]) == MAX_NAMES
    assert source.shortened_view()["count"] == 500


@pytest.mark.parametrize(
    ("first", "then", "files"),
    [("ab", "c", "abc"), ("ab", "ab", "ab"), ("aab", "bc", "abc"), ("a", "bbb", "ab"), ("a", "a", "a")],
)
def test_files_that_come_again_count_once(first: str, then: str, files: str) -> None:
    both = _gathered([blob(f"in/{name}") for name in first]).files_with(
        _gathered([blob(f"in/{name}", at=after(9)) for name in then])
    )
    assert (both.count, "".join(both.names)) == (len(files), files)
    assert (both.first_event_at, both.last_event_at) == (START, after(9))


def test_files_without_a_name_count_each() -> None:
    many = _gathered([blob(f"in/{number}") for number in range(150)])
    assert many.files_with(blob("in/0").source()).count == 150
    both = many.files_with(blob("in/149").source())
    assert (both.count, len(both.names)) == (151, MAX_NAMES)


def test_the_data_of_a_later_run_tell_the_files_of_the_folder() -> None:
    source, earlier = blob("in/c").source(), _gathered([blob("in/a"), blob("in/b")])
    assert source.again_after(None) == source
    again = source.again_after(earlier)
    assert (again.count, again.folder_count, again.names) == (1, 3, ("c",))
    assert DataSource.from_json(again.to_json()) == again
    for shown in (again.view(), again.shortened_view(), custom_status(run(source=again))["source"]):
        assert (shown["count"], shown["folder_count"]) == (1, 3)
    assert "folder_count" not in source.view()


@pytest.mark.parametrize(("name", "path"), [("in/2026/a.csv", "in/2026/a.csv"), ("a.csv", "a.csv")])
def test_the_path_of_the_first_blob(name: str, path: str) -> None:
    assert blob(name).source().merged_with(blob("in/z").source()).first_blob == path


def test_the_status_of_a_run_shows_its_source() -> None:
    source = _gathered([blob("in/a.csv"), blob("in/b.csv", at=after(5))])
    shown = custom_status(run(status="Running", source=source))
    assert shown["source"] == {
        "container": "data",
        "folder": "in",
        "count": 2,
        "first_event_at": "2026-01-31T12:00:00Z",
        "last_event_at": "2026-01-31T12:00:05Z",
        "names": ["a.csv", "b.csv"],
    }
    assert "source" not in custom_status(run(status="Running"))


@pytest.mark.parametrize("length", [1, 20, 100, 700, 1_022])
@pytest.mark.parametrize("character", ["x", "ü", "\u4e2d"])
def test_the_largest_status_fits(character: str, length: int) -> None:
    _assert_fits(character, length)


@pytest.mark.parametrize("length", [1, 700, 1_022])
@pytest.mark.parametrize("character", ["\U0001f600", '"'])
def test_the_largest_status_of_wide_characters_fits(character: str, length: int) -> None:
    _assert_fits(character, length)


@pytest.mark.parametrize("length", [20, 40, 100, 400])
@pytest.mark.parametrize("character", ["\U0001f600", '"'])
def test_the_largest_status_of_many_wide_names_fits(character: str, length: int) -> None:
    _assert_fits(character, length)


def _assert_fits(character: str, length: int) -> None:
    """With names of ``length`` characters, as many as count, in the longest folder that they leave room for."""
    name = f"{character * (MAX_NAME_LENGTH - 1 - length)}/{character * length}"
    source = _gathered([blob(name, container="c" * 63)] * MAX_NAMES).model_copy(
        update={"count": 2**31, "folder_count": 2**31}
    )
    for failures in (1, 5):
        largest = largest_run(character, failures, source=source).canceling(
            CancelCause.QUEUE_TIMEOUT, after(40)
        )
        end = end_of(largest, after(10_000))
        for code in ErrorCode:
            advised = (
                End(end.outcome, end.error.model_copy(update={"code": code})) if end and end.error else None
            )
            shown = custom_status(largest, next_check_at=after(50), end=advised, ended_at=after(60))
            assert size_of(shown) < STATUS_LIMIT
            assert shown["source"]["names"]
