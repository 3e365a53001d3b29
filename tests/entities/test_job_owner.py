"""The entity that knows which run owns a job."""

import pytest

from batch.names import JOB_OWNER
from entities.job_owner import bp
from tests.entities.batches import Operation, Send, sender

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

OWN: Operation = ("own", "r-1")
RELEASE: Operation = ("release", None)


@pytest.fixture(scope="module")
def send() -> Send:
    return sender(bp, JOB_OWNER)


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        (None, [OWN], "r-1"),
        (None, [OWN, OWN], "r-1"),
        (None, [RELEASE], None),
        ("r-1", [RELEASE], None),
        ("r-1", [RELEASE, RELEASE], None),
        ("r-1", [OWN], "r-1"),
        ("r-1", [("own", "r-2")], "r-2"),
        (None, [OWN, RELEASE], None),
        (None, [OWN, RELEASE, ("own", "r-2")], "r-2"),
        (None, [("own", "5")], "5"),
        (None, [("own", "true")], "true"),
    ],
)
def test_operations_in_one_batch(
    send: Send, before: object, operations: list[Operation], after: object
) -> None:
    answer = send(*operations, state=before)
    assert (answer.state, answer.failed) == (after, [False] * len(operations))


@pytest.mark.parametrize("wrong", [("delete", None), ("Own", "r-2"), ("own", None), ("", "r-2")])
def test_a_wrong_operation_fails_alone_and_changes_nothing(send: Send, wrong: Operation) -> None:
    answer = send(wrong, state="r-1")
    assert (answer.state, answer.failed) == ("r-1", [True])
    answer = send(wrong, OWN)
    assert (answer.state, answer.failed) == ("r-1", [True, False])
