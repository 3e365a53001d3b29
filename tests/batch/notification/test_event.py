import pytest

from batch.api.run_view import RunView, run_view
from batch.notification.event import cloud_event
from batch.run.phases import PHASES
from batch.run.status import RunStatus
from batch.timestamps import format_timestamp
from tests.batch.builders import START, after

SOURCE = "https://app/api/batch-runs"
ENDED = [phase for phase, facts in PHASES.items() if facts.ended]


def view_of(phase: str, started_at: str = format_timestamp(START)) -> RunView:
    status = RunStatus(phase=phase, started_at=started_at, ended_at=format_timestamp(after(60)))
    return run_view("r-1", status, runtime_status="Completed", started_at=START, updated_at=after(60))


@pytest.mark.parametrize("phase", ENDED)
def test_the_type_tells_the_outcome(phase: str) -> None:
    event = cloud_event(view_of(phase), SOURCE)
    assert event["type"] == f"BatchEndpointRun.{phase}"
    assert (event["specversion"], event["source"], event["subject"]) == ("1.0", SOURCE, "r-1")
    assert event["time"] == format_timestamp(after(60))
    assert event["data"] == view_of(phase)


def test_the_outcomes_are_those_that_are_documented() -> None:
    assert set(ENDED) == {"Completed", "Failed", "Canceled", "TimedOut", "Terminated"}


def test_the_id_is_the_same_at_every_try_and_another_one_for_another_run() -> None:
    first, again = cloud_event(view_of("Failed"), SOURCE), cloud_event(view_of("Failed"), SOURCE)
    later = cloud_event(view_of("Failed", format_timestamp(after(1))), SOURCE)
    assert first["id"] == again["id"] != later["id"]
