"""The entity of a folder's window through the SDK's own handle: the answers do not depend on the host's batches."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.names import FOLDER_WINDOW
from batch.new_data.window import FolderWindow, Late
from batch.run.source import DataSource
from entities.folder_window import bp
from tests.batch.builders import START, after
from tests.batch.new_data.events import blob
from tests.entities.batches import Operation, Send, sender

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

LONGEST = 60
OPENED = "2026-01-31T12:00:00Z"


@pytest.fixture(scope="module")
def send() -> Send:
    return sender(bp, FOLDER_WINDOW)


def _touch(
    toucher: str, at: float = 0, *, written: datetime | None = None, late: str | None = None
) -> Operation:
    source = blob(f"in/{toucher}.csv", at=written or after(at)).source().to_json()
    given = {"toucher": toucher, "now": after(at).isoformat(), "source": source}
    return "touch", {**given, "late": late} if late else given


def _claim(claimant: str, at: float = 0, *, remembers: bool = False) -> Operation:
    given = {"claimant": claimant, "now": after(at).isoformat(), "longest_wait_seconds": LONGEST}
    return "claim", {**given, "remembers": True} if remembers else given


def _names(result: Any) -> list[str] | None:
    return None if result is None else [name.removesuffix(".csv") for name in result["names"]]


def _window(*touches: Operation, send: Send) -> Any:
    return send(*touches).state


def test_touches_in_one_batch_open_the_window_once(send: Send) -> None:
    answer = send(_touch("a"), _touch("b", 5), _touch("c", 7))
    assert answer.failed == [False] * 3
    assert answer.results == [OPENED] * 3
    window = FolderWindow.from_json(answer.state)
    assert window is not None
    assert (window.opened_at, window.newest) == (START, "c")
    assert (window.source.count, window.source.names) == (3, ("a.csv", "b.csv", "c.csv"))
    assert (window.source.first_event_at, window.source.last_event_at) == (START, after(7))


def test_the_answer_to_a_touch_has_microseconds(send: Send) -> None:
    [opened] = send(_touch("a", 0.123456)).results
    assert datetime.fromisoformat(opened) == START + timedelta(microseconds=123_456)


def test_the_newest_claimant_gets_all_blobs_and_the_window_closes(send: Send) -> None:
    answer = send(_claim("b", 10), state=_window(_touch("a"), _touch("b", 5), send=send))
    assert (answer.state, answer.failed) == (None, [False])
    [source] = answer.results
    assert DataSource.model_validate(source) == blob("in/a.csv").source().merged_with(
        blob("in/b.csv", at=after(5)).source()
    )


@pytest.mark.parametrize(
    ("claimant", "at", "gets"),
    [
        ("a", 10, None),
        ("a", 59.9, None),
        ("a", 60, ["a", "b"]),
        ("a", 100, ["a", "b"]),
        ("b", 0, ["a", "b"]),
        ("stranger", 10, None),
        ("stranger", 60, ["a", "b"]),
    ],
)
def test_a_claim_gets_all_blobs_or_nothing(
    send: Send, claimant: str, at: float, gets: list[str] | None
) -> None:
    before = _window(_touch("a"), _touch("b", 5), send=send)
    answer = send(_claim(claimant, at), state=before)
    assert [_names(result) for result in answer.results] == [gets]
    assert answer.state == (None if gets else before)


@pytest.mark.parametrize("at", [0, 60, 10**6])
def test_without_an_open_window_a_claim_gets_nothing(send: Send, at: float) -> None:
    answer = send(_claim("a", at))
    assert (answer.state, answer.results, answer.failed) == (None, [None], [False])


@pytest.mark.parametrize(
    ("operations", "gets", "left"),
    [
        # In one batch: the next window opens where the last one was taken.
        ([_touch("a"), _claim("a", 10), _touch("b", 11)], ["a"], ["b"]),
        ([_touch("a"), _touch("b", 1), _claim("b", 11), _touch("c", 11)], ["a", "b"], ["c"]),
        ([_touch("a"), _touch("b", 9.9), _claim("a", 60)], ["a", "b"], None),
    ],
)
def test_touches_before_and_after_a_claim(
    send: Send, operations: list[Operation], gets: list[str], left: list[str] | None
) -> None:
    answer = send(*operations)
    [claimed] = [
        result for (name, _), result in zip(operations, answer.results, strict=True) if name == "claim"
    ]
    assert _names(claimed) == gets
    assert (answer.state and _names(answer.state["source"])) == left


def test_the_next_window_opens_with_its_own_first_blob(send: Send) -> None:
    answer = send(_touch("a"), _claim("a", 10), _touch("b", 11))
    assert datetime.fromisoformat(answer.results[-1]) == after(11)


@pytest.mark.parametrize(
    "operations",
    [
        # Two claims at the longest wait: the second comes too late.
        [_touch("a"), _touch("b", 1), _claim("a", 60), _claim("b", 60)],
        # A touch came before the claim.
        [_touch("a"), _touch("b", 9.9), _claim("a", 10)],
    ],
)
def test_a_claim_that_comes_too_late_gets_nothing(send: Send, operations: list[Operation]) -> None:
    assert send(*operations).results[-1] is None


def test_a_late_claim_gets_no_blobs_that_another_claim_got(send: Send) -> None:
    before = _window(_touch("a"), _touch("b", 1), send=send)
    answer = send(_claim("b", 11), _claim("a", 11), state=before)
    assert [_names(result) for result in answer.results] == [["a", "b"], None]


def _taken(*names: str, send: Send) -> Any:
    """The state after a run has taken the blobs of these names."""
    newest = names[-1]
    return send(*(_touch(name) for name in names), _claim(newest, 10, remembers=True)).state


def test_a_claim_that_remembers_closes_the_window_and_keeps_it(send: Send) -> None:
    before = _window(_touch("a"), _touch("b", 5), send=send)
    answer = send(_claim("b", 15, remembers=True), state=before)
    [source] = answer.results
    assert (_names(source), "folder_count" in source) == (["a", "b"], False)
    window = FolderWindow.from_json(answer.state)
    assert (window.closed, window.source) == (True, DataSource.from_json(source))


@pytest.mark.parametrize("remembers", [True, False])
def test_a_closed_window_gives_nothing_and_stays(send: Send, remembers: bool) -> None:
    before = _taken("a", "b", send=send)
    operations = [_claim(claimant, at, remembers=remembers) for claimant in "ab" for at in (10, 10**6)]
    answer = send(*operations, state=before)
    assert (answer.state, answer.results, answer.failed) == (before, [None] * 4, [False] * 4)


@pytest.mark.parametrize(
    ("then", "count", "folder_count"), [("f", 1, 6), ("a", 1, 5), ("ab", 2, 5), ("fg", 2, 7)]
)
def test_the_next_run_of_the_folder_says_how_many_files_it_has(
    send: Send, then: str, count: int, folder_count: int
) -> None:
    touches = [_touch(name, 90) for name in then]
    claim = _claim(then[-1], 100, remembers=True)
    answer = send(*touches, claim, state=_taken(*"abcde", send=send))
    assert datetime.fromisoformat(answer.results[0]) == after(90)
    source = answer.results[-1]
    assert (_names(source), source["count"], source["folder_count"]) == (list(then), count, folder_count)


@pytest.mark.parametrize("late", ["ignore", "file"])
def test_a_late_blob_opens_no_window_where_the_rule_says_so(send: Send, late: str) -> None:
    opened = send(_touch("a", late=late), _touch("b", 5, late=late))
    assert opened.results == [OPENED] * 2
    closed = send(_claim("b", 15, remembers=True), state=opened.state).state
    answer = send(_touch("c", 20, late=late), _claim("c", 100, remembers=True), state=closed)
    assert (answer.results, answer.failed) == ([None, None], [False, False])
    again = send(_touch("d", 200), _claim("d", 300, remembers=True), state=answer.state)
    assert (_names(again.results[1]), again.results[1]["folder_count"]) == (["d"], 4)


def test_a_claim_of_an_earlier_version_forgets_the_folder(send: Send) -> None:
    answer = send(_touch("f", 90), _claim("f", 100), state=_taken("a", send=send))
    assert (answer.state, _names(answer.results[1])) == (None, ["f"])


_operations = st.lists(
    st.tuples(st.sampled_from([_touch, _claim]), st.sampled_from("abcd"), st.sampled_from([1, 10, 60])),
    min_size=1,
    max_size=12,
)
_lates = st.sampled_from(list(Late))


def _timed(drawn: list[Any], late: Late = Late.RERUN, *, remembers: bool = False) -> list[Operation]:
    at, operations = 0, []
    for make, orchestration, passed in drawn:
        at += passed
        if make is _touch:
            operations.append(_touch(orchestration, at, late=late.value))
        else:
            operations.append(_claim(orchestration, at, remembers=remembers))
    return operations


@given(_operations, _lates, st.booleans())
def test_batches_do_not_change_the_answers(send: Send, drawn: list[Any], late: Late, remembers: bool) -> None:
    """The answers to operations in one batch are the answers to single operations."""
    operations = _timed(drawn, late, remembers=remembers)
    state: Any = None
    results: list[Any] = []
    for operation in operations:
        answer = send(operation, state=state)
        state = answer.state
        results += answer.results
    together = send(*operations)
    assert (together.state, together.results) == (state, results)


@given(_operations, _lates, st.booleans())
def test_each_blob_is_given_to_one_claim_or_is_late(
    send: Send, drawn: list[Any], late: Late, remembers: bool
) -> None:
    state, touched, claimed, too_late = None, 0, 0, 0
    for operation in _timed(drawn, late, remembers=remembers):
        answer = send(operation, state=state)
        [result] = answer.results
        assert answer.failed == [False]
        if operation[0] == "touch":
            touched += 1
            is_late = late != Late.RERUN and remembers and claimed > 0
            assert (result is None) is is_late
            too_late += is_late
            if result is not None:
                assert datetime.fromisoformat(result) <= datetime.fromisoformat(operation[1]["now"])
        elif result is None:
            assert answer.state == state
        else:
            assert (answer.state is not None) is remembers
            assert ("folder_count" in result) is (remembers and claimed > 0)
            claimed += result["count"]
        state = answer.state
        waiting = state["source"]["count"] if state and not state.get("closed") else 0
        assert claimed + too_late + waiting == touched


@pytest.mark.parametrize(
    "wrong",
    [
        ("delete", {"now": OPENED}),
        ("Touch", _touch("b")[1]),
        ("touch", None),
        ("touch", {}),
        ("touch", {**_touch("b")[1], "now": "soon"}),
        ("touch", {**_touch("b")[1], "source": None}),
        ("touch", {**_touch("b")[1], "source": {"count": 1}}),
        ("touch", {**_touch("b")[1], "late": "word of tomorrow"}),
        ("claim", None),
        ("claim", {"now": OPENED}),
        ("claim", {**_claim("a")[1], "longest_wait_seconds": "long"}),
    ],
)
def test_a_wrong_operation_fails_alone_and_changes_nothing(send: Send, wrong: Operation) -> None:
    before = _window(_touch("a"), send=send)
    answer = send(wrong, state=before)
    assert (answer.state, answer.failed) == (before, [True])
    answer = send(wrong, _claim("a", 1), state=before)
    assert (answer.state, answer.failed, _names(answer.results[1])) == (None, [True, False], ["a"])


def test_a_blob_whose_time_has_no_zone_is_gathered_too(send: Send) -> None:
    answer = send(_touch("a"), _touch("b", 1, written=START.replace(tzinfo=None)))
    assert answer.failed == [False, False]
