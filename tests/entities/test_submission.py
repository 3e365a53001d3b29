"""The entity of a submission through the SDK's own handle, with batches as the host sends them."""

import json
from collections.abc import Callable
from typing import Any

import azure.durable_functions as df
import pytest

from batch.names import SUBMISSION
from batch.run.submission import Submission
from entities.submission import bp

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Operation = tuple[str, Any]


def _claim(attempt: str, instead_of: str | None = None, at: str = "2026-01-31T12:00:00.000Z") -> Operation:
    return "claim", {"attempt": attempt, "claimed_at": at, "instead_of": instead_of}


def _release(attempt: str) -> Operation:
    return "release", {"attempt": attempt}


def _lose(attempt: str, at: str = "2026-01-31T12:00:30.000Z") -> Operation:
    return "lose", {"attempt": attempt, "lost_at": at}


CANCEL: Operation = ("cancel", None)
FREE = {
    "marker": None,
    "attempt": None,
    "claimed_at": None,
    "lost_at": None,
    "claims": 0,
    "cancel_requested": False,
}
CLAIMED = FREE | {"marker": "a", "attempt": "a", "claimed_at": "2026-01-31T12:00:00.000Z", "claims": 1}
RELEASED = FREE | {"marker": "a"}
LOST = CLAIMED | {"lost_at": "2026-01-31T12:00:30.000Z"}
CLAIMED_AGAIN = CLAIMED | {"attempt": "b", "claimed_at": "later", "claims": 2}

Signal = Callable[..., tuple[Any, list[bool]]]


@pytest.fixture(scope="module")
def signal() -> Signal:
    """Sends operations in one batch; returns the state after it and whether each operation failed."""
    app = df.DFApp()
    app.register_functions(bp)
    [function] = app.get_functions()
    assert function.get_trigger().entity_name == SUBMISSION  # type: ignore[union-attr]
    handle = function.get_user_function()

    def send(*operations: Operation, state: object = None) -> tuple[Any, list[bool]]:
        batch = [
            # The Python client sends JSON in a text, and nothing at all for an absent input.
            {
                "name": name,
                "input": None if given is None else json.dumps(json.dumps(given)),
                "isSignal": True,
            }
            for name, given in operations
        ]
        answer = json.loads(
            handle(
                json.dumps(
                    {
                        "self": {"name": SUBMISSION, "key": "r-1"},
                        "exists": state is not None,
                        "state": None if state is None else json.dumps(state),
                        "batch": batch,
                    }
                )
            )
        )
        kept = answer["entityState"]
        return (json.loads(kept) if kept else None), [result["isError"] for result in answer["results"]]

    return send


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        (None, [_claim("a")], CLAIMED),
        (None, [CANCEL], FREE | {"cancel_requested": True}),
        (None, [_release("a")], FREE),
        (CLAIMED, [_claim("b")], CLAIMED),
        (CLAIMED, [_claim("a", at="later")], CLAIMED),
        (CLAIMED, [_claim("b", "a", "later")], CLAIMED_AGAIN),
        (CLAIMED, [_release("a")], RELEASED),
        (CLAIMED, [_release("b")], CLAIMED),
        (CLAIMED, [CANCEL], CLAIMED | {"cancel_requested": True}),
        (CLAIMED, [CANCEL, _claim("b", "a")], CLAIMED | {"cancel_requested": True}),
        (CLAIMED, [CANCEL, _release("a")], RELEASED | {"cancel_requested": True}),
        (None, [CANCEL, _claim("a")], FREE | {"cancel_requested": True}),
        (None, [_claim("a"), _claim("b"), _claim("c")], CLAIMED),
        (None, [_claim("b"), _release("b"), _claim("a")], CLAIMED | {"marker": "b"}),
        # The same signal twice, as at-least-once delivery allows.
        (None, [_claim("a"), _claim("a")], CLAIMED),
        (None, [_claim("a"), CANCEL, CANCEL], CLAIMED | {"cancel_requested": True}),
        (CLAIMED, [_lose("a")], LOST),
        (CLAIMED, [_lose("a"), _lose("a")], LOST),
        (CLAIMED, [_lose("b")], CLAIMED),
        (None, [_lose("a")], FREE),
        (LOST, [CANCEL], LOST | {"cancel_requested": True}),
        (LOST, [_claim("b")], LOST),
        # A lost answer concerns its own attempt only, even if the signal comes late.
        (LOST, [_claim("b", "a", "later")], CLAIMED_AGAIN),
        (CLAIMED, [_claim("b", "a", "later"), _lose("a")], CLAIMED_AGAIN),
    ],
)
def test_operations_in_one_batch(
    signal: Signal, before: object, operations: list[Operation], after: object
) -> None:
    assert signal(*operations, state=before) == (after, [False] * len(operations))


def test_batches_follow_each_other(signal: Signal) -> None:
    state: Any = None
    for operation in (_claim("a"), _release("a"), _claim("b"), CANCEL):
        state, failed = signal(operation, state=state)
        assert failed == [False]
    assert Submission.from_json(state) == Submission(
        marker="a", attempt="b", claimed_at="2026-01-31T12:00:00.000Z", claims=1, cancel_requested=True
    )


def test_a_submission_of_a_version_without_markers_gets_one_with_its_next_claim(signal: Signal) -> None:
    old = {name: value for name, value in CLAIMED.items() if name != "marker"}
    assert signal(CANCEL, state=old)[0] == CLAIMED | {"marker": None, "cancel_requested": True}
    assert signal(_claim("b", "a", "later"), state=old)[0] == CLAIMED_AGAIN | {"marker": "b"}


@pytest.mark.parametrize(
    "wrong",
    [
        ("delete", None),
        ("Claim", {}),
        ("claim", None),
        ("claim", {"attempt": "b"}),
        ("release", {"x": 1}),
        ("lose", None),
        ("lose", {"attempt": "a"}),
    ],
)
def test_a_wrong_operation_fails_alone_and_changes_nothing(signal: Signal, wrong: Operation) -> None:
    state, failed = signal(wrong, CANCEL, state=CLAIMED)
    assert failed == [True, False]
    assert state == CLAIMED | {"cancel_requested": True}
    state, failed = signal(wrong, state=CLAIMED)
    assert (state, failed) == (CLAIMED, [True])
