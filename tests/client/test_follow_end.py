"""When the follower ends: by the runtime's word or by the run's own, whichever comes first."""

import io
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console

from batch.api.run_view import run_view
from batch.run.outcome import end_of
from batch.run.phases import ENDED_RUNTIME_STATUSES
from client import follow
from client.follow import Follower
from client.run_client import View
from tests.batch.builders import after, custom_status, result, run

COMPLETED = result(run(status="Completed"), after(60))
WAITING = custom_status(run(status="Running"), next_check_at=after(180))
FAILED = run(status="Failed")
TOLD = custom_status(FAILED, end=end_of(FAILED, after(60)), ended_at=after(60))


@dataclass(frozen=True)
class App:
    """Shows the same run at each look."""

    view: View

    def run(self, run_id: str) -> View:
        return self.view


def shown(runtime_status: Any, status: object, output: object = None) -> View:
    view = run_view(
        "r-1",
        runtime_status=runtime_status,
        created_at=after(0),
        updated_at=after(90),
        run=run(),
        custom_status=status,
        output=output,
    )
    return dict(view)


def follower(view: View) -> Follower:
    return Follower(App(view), Console(file=io.StringIO()), interval=0.01, limit=1.0)


@pytest.mark.parametrize(
    ("view", "phase"),
    [
        (shown("Completed", None, COMPLETED), "Completed"),
        (shown("Completed", WAITING, COMPLETED), "Completed"),
        (shown("Failed", None, "no luck"), "Failed"),
        (shown("Terminated", WAITING, "because"), "Terminated"),
        (shown("Running", TOLD), "Failed"),
        (shown("ContinuedAsNew", TOLD), "Failed"),
    ],
)
def test_it_ends_with_the_run(view: View, phase: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert follower(view).follow("r-1")["phase"] == phase
    [line] = capsys.readouterr().out.splitlines()
    assert f"  {phase} " in line


@pytest.mark.parametrize("view", [shown("Pending", None), shown("Running", WAITING)])
def test_it_does_not_end_before(view: View) -> None:
    with pytest.raises(TimeoutError):
        follower(view).follow("r-1")


def test_it_knows_the_same_ends_as_the_app() -> None:
    assert (follow.ENDED_PHASES, follow.ENDED_RUNTIME_STATUSES) == (ENDED_PHASES, ENDED_RUNTIME_STATUSES)
