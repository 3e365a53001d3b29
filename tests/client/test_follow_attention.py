"""A run that needs attention: one line when it begins, one when it is over; on a terminal a part of the block."""

import io

import pytest
from rich.console import Console

from batch.advice import advice_meanwhile
from batch.api.run_view import attention_view
from batch.errors import ErrorCode
from batch.run.attention import ADVICE, Attention, AttentionCode
from client.follow import Follower
from client.follow_view import block
from client.run_client import View
from tests.batch.builders import START, after, custom_status, result, run, view_of

MESSAGE = "The job was last checked long ago."
STALLED = attention_view(Attention(AttentionCode.RUN_NOT_CHECKED, MESSAGE, START))
RUNNING: View = dict(view_of("Running", custom_status(run(status="Running"), next_check_at=after(180))))
COMPLETED: View = dict(view_of("Completed", None, result(run(status="Completed"), after(60))))


class App:
    """Shows one view after the other, and the last one again and again."""

    def __init__(self, *views: View) -> None:
        self._views = list(views)

    def run(self, run_id: str) -> View:
        return self._views.pop(0) if len(self._views) > 1 else self._views[0]


def lines(capsys: pytest.CaptureFixture[str], *views: View) -> list[str]:
    Follower(App(*views), Console(file=io.StringIO()), interval=0.01, limit=10.0).follow("r-1")
    return capsys.readouterr().out.splitlines()


def test_one_line_tells_that_it_begins_and_one_that_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    stalled = {**RUNNING, "needs_attention": STALLED}
    told = lines(capsys, RUNNING, stalled, stalled, RUNNING, RUNNING, COMPLETED)
    assert len(told) == 4
    assert [MESSAGE in line for line in told] == [False, True, False, False]
    assert "needs attention: " in told[1]
    assert ["run_not_checked is over" in line for line in told] == [False, False, True, False]


def test_an_app_of_an_earlier_version_does_not_tell_it(capsys: pytest.CaptureFixture[str]) -> None:
    earlier = {name: value for name, value in RUNNING.items() if name != "needs_attention"}
    assert len(lines(capsys, earlier, COMPLETED)) == 2


@pytest.mark.parametrize("attention", [STALLED, None])
def test_the_block_of_a_terminal_says_what_to_do(attention: object) -> None:
    console = Console(file=io.StringIO(), width=500)
    console.print(block({**RUNNING, "needs_attention": attention}))
    shown = console.file.getvalue()
    assert (MESSAGE in shown) is (attention is not None)
    assert (ADVICE[AttentionCode.RUN_NOT_CHECKED] in shown) is (attention is not None)


def test_of_two_advices_each_sentence_is_shown_once() -> None:
    problem = {
        "code": "access_denied",
        "message": "Denied.",
        "advice": advice_meanwhile(ErrorCode.ACCESS_DENIED),
    }
    console = Console(file=io.StringIO(), width=1_000)
    console.print(block({**RUNNING, "needs_attention": STALLED, "problem": problem}))
    shown = console.file.getvalue()
    assert shown.count("Do not start a second run") == 1
    assert shown.count("what to do") == 2
    assert "Give the app's identity the role" in shown


@pytest.mark.parametrize("since", [{"since": "2026-01-31T12:00:30.000Z"}, {}])
def test_the_block_says_since_when_a_step_fails_if_the_app_does(since: dict[str, str]) -> None:
    problem = {"code": "service_unavailable", "message": "It is busy.", "advice": "Wait.", **since}
    console = Console(file=io.StringIO(), width=500)
    console.print(block({**RUNNING, "problem": problem}))
    shown = console.file.getvalue()
    assert all(text in shown for text in ("It is busy.", "Wait.", *since.values()))
    assert ("since" in shown) is bool(since)
