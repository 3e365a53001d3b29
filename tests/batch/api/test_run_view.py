import json
from typing import Any

import pytest

from batch.advice import WAIT
from batch.errors import ErrorCode
from batch.run.outcome import end_of
from batch.run.phases import PHASES, has_ended
from batch.run.request import Overrides, RunRequest
from batch.run.state import Run
from batch.timestamps import parse_timestamp
from tests.batch.builders import ENDPOINT_URI, START, after, custom_status, request, result, run, view_of


def _view(
    runtime_status: Any, status: object, *, asked: RunRequest | None = None, output: object = None
) -> Any:
    state = Run(request=asked) if asked else None
    return view_of(runtime_status, status, output, state=state, started_at=after(500), updated_at=after(900))


@pytest.mark.parametrize(
    ("phase", "ended"),
    [
        *[
            (phase, False)
            for phase in ("Pending", "Authorizing", "Submitting", "Queued", "Running", "Canceling")
        ],
        *[(phase, True) for phase in ("Completed", "Failed", "Canceled", "TimedOut", "Terminated")],
    ],
)
def test_which_phases_have_ended(phase: str, ended: bool) -> None:
    assert phase in PHASES
    assert has_ended(phase, "Running") is ended


def test_the_view_of_a_run_that_waits() -> None:
    status = custom_status(run(status="Running", running_at=after(30), checks=2), next_check_at=after(180))
    view = _view("Running", status, asked=request(deployment="blue"))
    assert (view["run_id"], view["phase"], view["runtime_status"]) == ("r-1", "Running", "Running")
    assert (view["endpoint_uri"], view["checks"]) == (ENDPOINT_URI, 2)
    assert view["job"]["name"] == "batchjob-1"
    assert view["started_at"] == "2026-01-31T12:00:00.000Z"
    assert view["next_check_at"] == "2026-01-31T12:03:00.000Z"
    assert (view["ended_at"], view["error"]) == (None, None)
    assert view["outputs"] == {"output_data": "azureml://datastores/lake/paths/out/r-1.csv"}
    assert view["request"]["deployment"] == "blue"
    assert "experiment" not in view["request"]
    assert parse_timestamp(view["started_at"]) == START
    json.dumps(view)


def test_before_its_first_step_a_run_is_pending_since_it_was_created() -> None:
    view = _view("Pending", None, asked=request())
    assert (view["phase"], view["endpoint_uri"], view["checks"], view["job"]) == (
        "Pending",
        ENDPOINT_URI,
        0,
        None,
    )
    assert parse_timestamp(view["started_at"]) == after(500)
    assert view["ended_at"] is None


def test_overrides_and_tags_are_shown_if_they_were_asked_for() -> None:
    asked = request(overrides=Overrides(mini_batch_size=5), tags={"team": "fraud"})
    view = _view("Running", custom_status(run(status="Running", asked=asked)), asked=asked)
    assert view["request"]["overrides"] == {"mini_batch_size": 5}
    assert view["tags"] == view["request"]["tags"] == {"team": "fraud"}
    without = _view("Running", custom_status(run(status="Running")), asked=request())
    assert "tags" not in without
    assert not {"overrides", "tags"} & set(without["request"])


def test_a_list_does_not_read_requests() -> None:
    view = _view("Pending", None)
    assert view["endpoint_uri"] is None
    assert "request" not in view
    assert "outputs" not in view


def test_an_ended_run_is_shown_with_its_own_error() -> None:
    ended = run(status="Failed")
    end = end_of(ended, after(60))
    view = _view(
        "Failed", custom_status(ended, end=end, ended_at=after(60)), output="Orchestrator function failed"
    )
    assert (view["phase"], view["error"]["code"]) == ("Failed", "job_failed")
    assert view["ended_at"] == "2026-01-31T12:01:00.000Z"


def test_a_completed_run_has_no_error() -> None:
    completed = run(status="Completed")
    end = end_of(completed, after(60))
    status = custom_status(completed, end=end, ended_at=after(60))
    view = _view("Completed", status, output=result(completed, after(60)))
    assert (view["phase"], view["error"]) == ("Completed", None)


@pytest.mark.parametrize(
    ("runtime_status", "says"),
    [
        ("Terminated", "Terminating stops the run, not its job"),
        ("Failed", "because"),
        ("Canceled", "because"),
    ],
)
def test_a_run_that_something_else_ended_says_so(runtime_status: str, says: str) -> None:
    view = _view(runtime_status, custom_status(run(status="Running")), output="because")
    assert view["error"]["code"] == "internal"
    assert says in view["error"]["message"]
    assert "because" in view["error"]["message"]
    assert view["ended_at"] == "2026-01-31T12:15:00.000Z"


def test_a_run_that_was_terminated_does_not_end_before_its_job_ran() -> None:
    """The runtime reports the time of a terminate in whole seconds."""
    state = run(status="Running", running_at=after(900.616), last_check_at=after(900.616))
    view = _view("Terminated", custom_status(state, next_check_at=after(1_020)), output="maintenance")
    assert view["ended_at"] == view["running_at"] == "2026-01-31T12:15:00.616Z"
    assert view["next_check_at"] is None
    assert "ended Terminated: maintenance. Terminating stops" in view["error"]["message"]


@pytest.mark.parametrize("code", [*ErrorCode, "of_another_version"])
def test_the_advice_for_a_run_that_goes_on_is_never_to_start_another(code: str) -> None:
    trouble = {"code": str(code), "message": "It went wrong."}
    going_on = _view("Running", {"phase": "Running", "problem": trouble})["problem"]["advice"]
    assert going_on.startswith(
        "Wait: the app retries this step. Do not start a second run, which could pay twice."
    )
    assert "start a new run" not in going_on
    ended = _view("Failed", {"phase": "Failed", "error": trouble})["error"]["advice"]
    assert "Wait" not in ended


def test_a_problem_says_since_when_if_its_status_does() -> None:
    """A status of an earlier version does not."""
    trouble = {"code": "service_unavailable", "message": "It is busy."}
    for since in ({}, {"since": "2026-01-31T12:00:30.000Z"}):
        problem = _view("Running", {"phase": "Running", "problem": {**trouble, **since}})["problem"]
        assert problem == {**trouble, "advice": WAIT, **since}


def test_the_advice_for_a_lasting_failure_says_how_to_fix_it_meanwhile() -> None:
    def advice_for(code: ErrorCode) -> str:
        status = {"phase": "Running", "problem": {"code": code, "message": "It went wrong."}}
        return str(_view("Running", status)["problem"]["advice"])

    assert "Give the app's identity the role AzureML Data Scientist" in advice_for(ErrorCode.ACCESS_DENIED)
    assert "Check that the managed identity is assigned" in advice_for(ErrorCode.TOKEN_UNAVAILABLE)
    assert advice_for(ErrorCode.SERVICE_UNAVAILABLE) == WAIT


@pytest.mark.parametrize("status", [None, "", "text", 5, [], {}, {"phase": None}])
def test_a_strange_custom_status_breaks_nothing(status: object) -> None:
    for runtime_status in ("Pending", "Running", "Failed", "Terminated"):
        json.dumps(_view(runtime_status, status, asked=request()))
