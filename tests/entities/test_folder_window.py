"""The entity of a folder's window through the SDK's own handle: the answers do not depend on the host's batches."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.names import FOLDER_WINDOW
from batch.new_data.window import FolderWindow
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


def _touch(toucher: str, at: float = 0, *, written: datetime | None = None) -> Operation:
    source = blob(f"in/{toucher}.csv", at=written or after(at)).source().to_json()
    return "touch", {"toucher": toucher, "now": after(at).isoformat(), "source": source}


def _claim(claimant: str, at: float = 0) -> Operation:
    return "claim", {"claimant": claimant, "now": after(at).isoformat(), "longest_wait_seconds": LONGEST}


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


_operations = st.lists(
    st.tuples(st.sampled_from([_touch, _claim]), st.sampled_from("abcd"), st.sampled_from([1, 10, 60])),
    min_size=1,
    max_size=12,
)


def _timed(drawn: list[Any]) -> list[Operation]:
    at, operations = 0, []
    for make, orchestration, passed in drawn:
        at += passed
        operations.append(make(orchestration, at))
    return operations


@given(_operations)
def test_batches_do_not_change_the_answers(send: Send, drawn: list[Any]) -> None:
    """The answers to operations in one batch are the answers to single operations."""
    operations = _timed(drawn)
    state: Any = None
    results: list[Any] = []
    for operation in operations:
        answer = send(operation, state=state)
        state = answer.state
        results += answer.results
    together = send(*operations)
    assert (together.state, together.results) == (state, results)


@given(_operations)
def test_each_blob_is_given_to_one_claim(send: Send, drawn: list[Any]) -> None:
    state, touched, claimed = None, 0, 0
    for operation in _timed(drawn):
        answer = send(operation, state=state)
        [result] = answer.results
        assert answer.failed == [False]
        if operation[0] == "touch":
            touched += 1
            assert datetime.fromisoformat(result) <= datetime.fromisoformat(operation[1]["now"])
        elif result is None:
            assert answer.state == state
        else:
            assert answer.state is None
            claimed += result["count"]
        state = answer.state
        assert claimed + (state["source"]["count"] if state else 0) == touched


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
