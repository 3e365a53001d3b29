"""Each status of the runtime with each custom status that a killed host can leave: lost, stale, right or wrong."""

import json
from typing import Any

import pytest

from batch.errors import ErrorCode
from batch.run.outcome import end_of
from batch.run.phases import ENDED_RUNTIME_STATUSES, UNFINISHED_RUNTIME_STATUSES, has_ended
from batch.run.reason import reason_text
from batch.run.request import Binding
from batch.run.state import EarlierJob, Run
from batch.run.steps import Failure, JobReason
from tests.batch.builders import ENDPOINT_URI, after, custom_status, failure, request, result, run, view_of

GOING_ON = ["Pending", "Authorizing", "Submitting", "Queued", "Running", "Canceling"]
COMPLETED = run(status="Completed", running_at=after(30), last_check_at=after(60), checks=2)
RESULT = result(COMPLETED, after(60))
UP_TO_DATE = custom_status(COMPLETED, end=end_of(COMPLETED, after(60)), ended_at=after(60))
STALE = custom_status(run(status="Running", running_at=after(30), checks=1), next_check_at=after(180))
LATE = "Job batchjob-1 did not end within the timeout of 60 s and was canceled."
FAILED = "Orchestrator function 'batch_run' failed: "


def status_of_end(phase: str, code: str, message: str = LATE) -> dict[str, Any]:
    return {**STALE, "phase": phase, "ended_at": "2026-01-31T12:01:00.000Z", "next_check_at": None} | {
        "error": {"code": code, "message": message}
    }


def view(runtime_status: Any, status: object, output: object = None, state: Run | None = None) -> Any:
    shown = view_of(runtime_status, status, output, state=state, started_at=after(-5), updated_at=after(900))
    json.dumps(shown)
    if has_ended(shown["phase"], runtime_status):
        assert shown["ended_at"]
        assert (shown["next_check_at"], shown["problem"]) == (None, None)
    return shown


@pytest.mark.parametrize("runtime_status", UNFINISHED_RUNTIME_STATUSES)
@pytest.mark.parametrize("phase", [None, *GOING_ON])
def test_a_run_that_goes_on_is_in_the_phase_of_its_custom_status(
    runtime_status: str, phase: str | None
) -> None:
    status = {name: value for name, value in STALE.items() if name != "phase"}
    shown = view(runtime_status, {**status, "phase": phase} if phase else status)
    assert shown["phase"] == (phase or "Pending")
    assert (shown["ended_at"], shown["next_check_at"]) == (None, "2026-01-31T12:03:00.000Z")


@pytest.mark.parametrize("runtime_status", UNFINISHED_RUNTIME_STATUSES)
@pytest.mark.parametrize("phase", ["Failed", "Canceled", "TimedOut"])
def test_an_outcome_ends_a_run_before_the_runtime_does(runtime_status: str, phase: str) -> None:
    """The orchestration raises one execution later, or a minute later if the host was killed."""
    shown = view(
        runtime_status, {**status_of_end(phase, "timed_out"), "next_check_at": "2026-01-31T12:03:00.000Z"}
    )
    assert (shown["phase"], shown["runtime_status"]) == (phase, runtime_status)
    assert (shown["ended_at"], shown["error"]["message"]) == ("2026-01-31T12:01:00.000Z", LATE)


@pytest.mark.parametrize(
    "status",
    [
        *(None, "text", {}, UP_TO_DATE, STALE),
        *({**STALE, "phase": phase} for phase in GOING_ON),
        *(status_of_end(phase, "job_failed") for phase in ("Failed", "Canceled", "TimedOut")),
        {**STALE, "problem": {"code": "service_unavailable", "message": "It is busy."}},
    ],
)
def test_a_completed_run_is_shown_by_its_output(status: object) -> None:
    shown = view("Completed", status, RESULT)
    assert (shown["phase"], shown["error"]) == ("Completed", None)
    assert shown["job"] == RESULT["job"]
    assert (shown["checks"], shown["started_at"], shown["submitted_at"], shown["ended_at"]) == (
        2,
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:10.000Z",
        "2026-01-31T12:01:00.000Z",
    )


def test_the_custom_status_adds_what_the_output_lacks() -> None:
    shown = view("Completed", STALE, RESULT)
    assert (shown["endpoint_uri"], shown["identity"]) == (ENDPOINT_URI, {"client_id": "c"})
    assert shown["running_at"] == "2026-01-31T12:00:30.000Z"


@pytest.mark.parametrize("output", [None, "", [], {}])
def test_a_completed_run_without_a_result_has_completed(output: object) -> None:
    assert view("Completed", UP_TO_DATE, output)["job"] == RESULT["job"]
    assert view("Completed", None, output)["phase"] == "Completed"


@pytest.mark.parametrize(
    ("code", "phase"),
    [
        ("job_failed", "Failed"),
        ("internal", "Failed"),
        ("job_canceled", "Canceled"),
        ("timed_out", "TimedOut"),
        ("queue_timed_out", "TimedOut"),
    ],
)
@pytest.mark.parametrize(
    "status",
    [None, {}, STALE, UP_TO_DATE, *({**STALE, "phase": phase} for phase in GOING_ON)],
)
def test_a_failed_run_is_shown_by_the_text_of_its_output(status: object, code: str, phase: str) -> None:
    shown = view("Failed", status, FAILED + reason_text("It went wrong.", ErrorCode(code)))
    assert (shown["phase"], shown["error"]["code"]) == (phase, code)
    assert shown["error"]["message"] == "It went wrong."


@pytest.mark.parametrize("code", ["job_failed", "timed_out", "job_canceled"])
@pytest.mark.parametrize(
    "status",
    [
        status_of_end("Failed", "not_found"),
        status_of_end("Canceled", "timed_out"),
        {**STALE, "phase": "TimedOut"},
    ],
)
def test_a_custom_status_that_reports_another_end_is_not_believed(status: object, code: str) -> None:
    reason = reason_text("It went wrong.", ErrorCode(code))
    shown, alone = view("Failed", status, reason), view("Failed", None, reason)
    assert (shown["phase"], shown["error"]) == (alone["phase"], alone["error"])


def test_an_up_to_date_custom_status_has_the_better_words() -> None:
    text = FAILED + reason_text("The folder key=1/ is not there.", ErrorCode.NOT_FOUND)
    assert view("Failed", None, text)["error"]["message"] == "The folder key%3D1/ is not there."
    up_to_date = status_of_end("Failed", "not_found", "The folder key=1/ is not there.")
    assert view("Failed", up_to_date, text)["error"]["message"] == "The folder key=1/ is not there."


@pytest.mark.parametrize(
    ("phase", "code"), [("Failed", "job_failed"), ("Canceled", "job_canceled"), ("TimedOut", "timed_out")]
)
@pytest.mark.parametrize("output", [None, FAILED + LATE, "Non-Deterministic workflow detected"])
def test_without_a_code_in_the_text_an_up_to_date_custom_status_decides_the_end(
    phase: str, code: str, output: str | None
) -> None:
    shown = view("Failed", status_of_end(phase, code), output)
    assert (shown["phase"], shown["error"]["code"], shown["error"]["message"]) == (phase, code, LATE)


@pytest.mark.parametrize("status", [None, {}, STALE, UP_TO_DATE, {"phase": "Pending"}])
def test_a_text_without_a_code_is_an_internal_error(status: object) -> None:
    shown = view("Failed", status, FAILED + "no luck")
    assert (shown["phase"], shown["error"]["code"], shown["error"]["message"]) == (
        "Failed",
        "internal",
        "no luck",
    )


@pytest.mark.parametrize("runtime_status", ["Terminated", "Canceled"])
@pytest.mark.parametrize(
    "status", [None, {}, STALE, UP_TO_DATE, *({**STALE, "phase": phase} for phase in GOING_ON)]
)
def test_a_run_that_was_ended_from_outside_says_so(runtime_status: str, status: object) -> None:
    shown = view(runtime_status, status, "because")
    assert (shown["phase"], shown["error"]["code"]) == ("Terminated", "internal")
    assert f"ended {runtime_status}: because." in shown["error"]["message"]


@pytest.mark.parametrize("runtime_status", ["Terminated", "Canceled"])
@pytest.mark.parametrize("phase", ["Failed", "Canceled", "TimedOut"])
def test_a_run_that_had_reported_its_end_keeps_it(runtime_status: str, phase: str) -> None:
    shown = view(runtime_status, status_of_end(phase, "timed_out"), "because")
    assert (shown["phase"], shown["error"]["message"]) == (phase, LATE)


@pytest.mark.parametrize("runtime_status", sorted(ENDED_RUNTIME_STATUSES))
@pytest.mark.parametrize(
    "status",
    [None, "", 5, [], {"phase": None}, {"phase": ["x"]}, {"phase": "Failed", "error": "text"}, STALE],
)
@pytest.mark.parametrize("output", [None, 5, "", "text", {}, {"job": None}, []])
def test_an_ended_run_is_never_shown_as_going_on(runtime_status: str, status: object, output: object) -> None:
    assert has_ended(view(runtime_status, status, output)["phase"], runtime_status)


def test_the_state_of_the_run_adds_what_status_and_output_lack() -> None:
    asked = request(
        outputs={"scores": Binding(type="UriFile", uri="azureml://datastores/lake/paths/out/r-1.csv")}
    )
    state = run(status="Failed", asked=asked, checks=7, last_check_at=after(60))
    text = FAILED + reason_text("Job batchjob-1 failed.", ErrorCode.JOB_FAILED)
    for status in (None, STALE):
        shown = view("Failed", status, text, state)
        assert (shown["job"]["status"], shown["checks"]) == ("Failed", 7)
        assert shown["last_check_at"] == "2026-01-31T12:01:00.000Z"


def test_a_run_that_is_terminated_while_it_waits_is_shown_as_at_its_last_check() -> None:
    """The state in the input is older than that check."""
    before, checked = run(status="Queued", checks=1), run(status="Running", running_at=after(30), checks=2)
    shown = view("Terminated", custom_status(checked, next_check_at=after(180)), "why", before)
    assert (shown["job"]["status"], shown["checks"], shown["running_at"]) == (
        "Running",
        2,
        "2026-01-31T12:00:30.000Z",
    )


def test_the_state_with_a_failure_is_newer_than_a_custom_status_without_one() -> None:
    ended = run(status="Failed", checks=2).failed(failure(ErrorCode.JOB_FAILED))
    for reported_checks in (1, 2):
        stale = custom_status(run(status="Running", checks=reported_checks), next_check_at=after(180))
        shown = view("Failed", stale, FAILED + reason_text("It failed.", ErrorCode.JOB_FAILED), ended)
        assert (shown["job"]["status"], shown["checks"]) == ("Failed", 2)


@pytest.mark.parametrize("status", [None, STALE])
def test_the_state_has_the_reason_of_azure_ml_where_the_custom_status_is_lost(status: object) -> None:
    reason = JobReason(code="UserError", message="It is full.", step="score")
    ended = run(status="Failed").failed(
        Failure(code="job_failed", message="Job batchjob-1 failed: It is full.", reason=reason)
    )
    text = FAILED + reason_text("Job batchjob-1 failed: It is full.", ErrorCode.JOB_FAILED)
    assert view("Failed", status, text, ended)["error"]["reason"] == {
        "code": "UserError",
        "message": "It is full.",
        "step": "score",
    }
    assert "reason" not in view("Failed", status, text, run(status="Failed"))["error"]
    assert "reason" not in view("Failed", status, FAILED + "no luck", ended)["error"]


FIRST = EarlierJob(name="batchjob-1", studio_url="https://ml.azure.com/1")
BETWEEN = run(identity={"client_id": "c"}, job_attempt=2, earlier_jobs=(FIRST,), checks=3)
FAILED_JOB = run(status="Failed", checks=3)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (custom_status(BETWEEN, next_check_at=after(90)), FAILED_JOB),
        (custom_status(FAILED_JOB), BETWEEN),
        (None, BETWEEN),
        (custom_status(BETWEEN), BETWEEN),
    ],
)
def test_a_job_before_the_last_is_not_shown_as_the_present_one(status: object, state: Run) -> None:
    shown = view("Terminated", status, "by hand", state)
    assert (shown["job"], shown["job_attempt"], shown["submitted_at"]) == (None, 2, None)
    assert [job["name"] for job in shown["earlier_jobs"]] == ["batchjob-1"]
    assert shown["outputs"] == {"output_data": "azureml://datastores/lake/paths/out/attempt-2/r-1.csv"}


def test_a_run_that_goes_on_is_shown_with_all_its_jobs_whatever_is_lost() -> None:
    for status in (None, custom_status(BETWEEN)):
        shown = view("Running", status, None, BETWEEN)
        assert (shown["job_attempt"], shown["earlier_jobs"]) == (
            2,
            [{"name": "batchjob-1", "studio_url": "https://ml.azure.com/1"}],
        )
    assert view("Running", custom_status(BETWEEN))["earlier_jobs"] == [{"name": "batchjob-1"}]
    assert view("Running", custom_status(FAILED_JOB))["earlier_jobs"] == []


def test_the_outcome_is_never_taken_from_the_state_of_the_run() -> None:
    assert view("Completed", None, RESULT, run(status="Failed"))["phase"] == "Completed"
    assert view("Failed", None, FAILED + "no luck", run(status="Completed"))["error"]["code"] == "internal"
    assert view("Running", None, None, run(status="Failed"))["phase"] == "Pending"


# Phases of another version of the app


@pytest.mark.parametrize("phase", ["Skipped", "Validating"])
@pytest.mark.parametrize("runtime_status", ENDED_RUNTIME_STATUSES)
def test_an_outcome_that_only_another_version_knows_is_shown_as_it_is(
    runtime_status: str, phase: str
) -> None:
    reported = {**STALE, "phase": phase, "next_check_at": None, "ended_at": "2026-01-31T12:01:00.000Z"}
    output = (
        {**RESULT, "outcome": phase} if runtime_status == "Completed" else f"{FAILED}Because. [of_tomorrow]"
    )
    shown = view(runtime_status, reported, output)
    # Without an error of its own it was ended from outside.
    stopped = runtime_status in ("Canceled", "Terminated")
    assert shown["phase"] == ("Terminated" if stopped else phase)
    assert has_ended(shown["phase"], runtime_status)
    assert shown["ended_at"]


@pytest.mark.parametrize("runtime_status", UNFINISHED_RUNTIME_STATUSES)
def test_a_phase_that_only_another_version_knows_goes_on_while_the_runtime_does(runtime_status: str) -> None:
    shown = view(runtime_status, {**STALE, "phase": "Validating"})
    assert (shown["phase"], shown["ended_at"]) == ("Validating", None)


def test_codes_and_job_statuses_of_another_version_are_shown_as_they_are() -> None:
    reported = {
        **STALE,
        "phase": "Skipped",
        "job": {**STALE["job"], "status": "Archived"},
        "error": {"code": "of_tomorrow", "message": "Because."},
    }
    shown = view("Failed", reported, f"{FAILED}Because. [of_tomorrow]")
    assert shown["job"]["status"] == "Archived"
    assert (shown["error"]["code"], shown["error"]["message"]) == ("of_tomorrow", "Because.")
    assert shown["error"]["advice"]


@pytest.mark.parametrize("runtime_status", ["Canceled", "Failed", "Terminated"])
def test_an_outcome_of_another_version_keeps_its_error(runtime_status: str) -> None:
    error = {"code": "of_tomorrow", "message": "Because."}
    shown = view(runtime_status, {**STALE, "phase": "Skipped", "error": error}, "By hand")
    assert (shown["phase"], shown["error"]["code"]) == ("Skipped", "of_tomorrow")


def test_a_completed_run_with_an_output_of_another_version_keeps_its_phase() -> None:
    assert view("Completed", {**STALE, "phase": "Skipped"}, {"form": "of tomorrow"})["phase"] == "Skipped"
    assert view("Completed", STALE, {"form": "of tomorrow"})["phase"] == "Completed"


@pytest.mark.parametrize(
    ("odd", "lost"),
    [
        ({"job": {"name": "batchjob-1", "status": "Running"}}, "job"),
        ({"identity": {"client_id": None}}, "identity"),
        ({"checks": None}, "checks"),
        ({"cancellation": {"cause": 5}}, "cancellation"),
        ({"source": "a folder"}, "source"),
    ],
)
def test_one_odd_field_does_not_hide_the_others(odd: dict[str, Any], lost: str) -> None:
    sound, shown = view("Running", STALE), view("Running", {**STALE, **odd})
    assert {name: value for name, value in shown.items() if name != lost} == {
        name: value for name, value in sound.items() if name != lost
    }
    assert not shown[lost]


def test_a_phase_of_another_version_does_not_hide_how_the_run_ended() -> None:
    """The host of that version was killed before it could report the end."""
    late = f"{FAILED}Late. [timed_out]"
    assert view("Failed", {**STALE, "phase": "Validating"}, late)["phase"] == "TimedOut"
    reported = {**STALE, "phase": "TimedOutTwice", "error": {"code": "timed_out", "message": "Late."}}
    assert view("Failed", reported, late)["phase"] == "TimedOutTwice"
