"""The follower ends with the runtime status or with the phase, whichever ends first."""

import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from batch.run.outcome import end_of
from batch.run.phases import PHASES
from batch.run.status import RunResult
from batch.run.steps import OutputLinks
from client import phases
from client.follow import Follower
from client.follow_view import block, outputs
from client.run_client import View
from tests.batch.builders import after, custom_status, result, run, view_of

COMPLETED = result(run(status="Completed"), after(60))
WAITING = custom_status(run(status="Running"), next_check_at=after(180))
FAILED = run(status="Failed")
REPORTED = custom_status(FAILED, end=end_of(FAILED, after(60)), ended_at=after(60))


@dataclass(frozen=True)
class App:
    """Returns the same run at each read."""

    view: View

    def run(self, run_id: str) -> View:
        return self.view


def shown(runtime_status: str, status: object, output: object = None) -> View:
    return dict(view_of(runtime_status, status, output, state=run(), updated_at=after(90)))


def follower(view: View) -> Follower:
    return Follower(App(view), Console(file=io.StringIO()), interval=0.01, limit=1.0)


@pytest.mark.parametrize(
    ("view", "phase"),
    [
        (shown("Completed", None, COMPLETED), "Completed"),
        (shown("Completed", WAITING, COMPLETED), "Completed"),
        (shown("Failed", None, "no luck"), "Failed"),
        (shown("Terminated", WAITING, "because"), "Terminated"),
        (shown("Running", REPORTED), "Failed"),
        (shown("ContinuedAsNew", REPORTED), "Failed"),
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


@pytest.mark.parametrize(
    ("links", "output"),
    [
        (
            {"output_data": {"storage_url": "https://lake.blob.core.windows.net/c/r-1.csv"}},
            "https://lake.blob",
        ),
        ({}, "azureml://datastores/lake/paths/out/r-1.csv"),
    ],
)
def test_a_completed_run_shows_where_its_output_is(links: dict[str, OutputLinks], output: str) -> None:
    completed = RunResult.of(run(status="Completed"), after(60), links).to_json()
    view = shown("Completed", None, completed)
    assert outputs(shown("Running", WAITING)) == []
    console = Console(file=io.StringIO(), width=44, force_terminal=True)
    Follower(App(view), console, interval=0.01, limit=10).follow("r-1")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    [line] = [line for line in text.splitlines() if output in line]
    assert line.endswith("r-1.csv"), "one line, however narrow the terminal is"


def test_the_block_names_the_earlier_jobs_and_why_they_failed() -> None:
    earlier = [
        {"name": "job-1", "reason": {"message": "Nodes of this job got pre-empted."}},
        {"name": "job-2"},
    ]
    console = Console(file=io.StringIO(), width=200)
    console.print(block({**shown("Running", WAITING), "earlier_jobs": earlier}))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "job-1: Nodes of this job got pre-empted." in text and "job-2" in text


def test_each_final_phase_has_an_exit_code() -> None:
    assert phases.exit_codes() == {
        0: ["Completed"],
        1: ["Failed", "Terminated"],
        3: ["Canceled"],
        4: ["TimedOut"],
    }
    with_code = {phase for group in phases.exit_codes().values() for phase in group}
    assert with_code == {phase for phase, facts in PHASES.items() if facts.ended}
    assert phases.exit_code("Skipped") == 1, "a phase that this version does not know"
