"""The table of phases agrees with the statuses of the orchestration, whatever a run has reported."""

from itertools import product

import pytest

from batch.run.believed_status import believed_status
from batch.run.phases import ENDED_RUNTIME_STATUSES, OUTCOMES, PHASES, UNFINISHED_RUNTIME_STATUSES, Phase

REPORTED = [None, *Phase]
OUTPUTS = [None, {"outcome": "Completed"}, "Orchestrator function 'batch_run' failed: Late. [timed_out]"]


def _shown(runtime_status: str, phase: str | None, output: object) -> str:
    reported = {"phase": phase, "error": {"code": "timed_out", "message": "Late."}} if phase else None
    return believed_status(runtime_status, reported, output).phase


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(("runtime_status", "phase"), [*product(ENDED_RUNTIME_STATUSES, REPORTED)])
def test_a_run_whose_orchestration_has_ended_is_in_a_phase_that_has_ended(
    runtime_status: str, phase: str | None, output: object
) -> None:
    assert PHASES[_shown(runtime_status, phase, output)].ended


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(("runtime_status", "phase"), [*product(UNFINISHED_RUNTIME_STATUSES, REPORTED)])
def test_a_run_whose_orchestration_goes_on_has_ended_only_if_it_reported_an_outcome(
    runtime_status: str, phase: str | None, output: object
) -> None:
    assert PHASES[_shown(runtime_status, phase, output)].ended is (phase in OUTCOMES)


def test_the_outcomes_are_the_last_four_phases_that_a_run_reports() -> None:
    assert list(Phase)[-4:] == [phase for phase in Phase if phase in OUTCOMES]
    assert len(OUTCOMES) == 4
