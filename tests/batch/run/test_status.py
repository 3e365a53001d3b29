import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.advice import advice_meanwhile
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_error import MAX_REASON_LENGTH, reason_of
from batch.errors import MAX_MESSAGE_LENGTH, ErrorCode, RunError
from batch.run.outcome import end_of, explained
from batch.run.request import Binding
from batch.run.state import CancelCause, EarlierJob, Run
from batch.run.steps import Failure, JobReason
from batch.timestamps import parse_timestamp
from tests.batch.azure_ml.jobs import endpoint_job
from tests.batch.builders import ENDPOINT_URI, STUDIO_URL, after, custom_status, request, result, run
from tests.batch.run.status_size import LONGEST_LINK, STATUS_LIMIT, largest_run, size_of
from tests.batch.strategies import moments, runs


def test_a_run_that_waits_reports_everything() -> None:
    waiting = run(status="Running", running_at=after(30), last_check_at=after(60), checks=2)
    assert custom_status(waiting, next_check_at=after(180)) == {
        "phase": "Running",
        "endpoint_uri": ENDPOINT_URI,
        "identity": {"client_id": "c"},
        "job": {"name": "batchjob-1", "status": "Running", "studio_url": STUDIO_URL},
        "checks": 2,
        "started_at": "2026-01-31T12:00:00.000Z",
        "submitted_at": "2026-01-31T12:00:10.000Z",
        "running_at": "2026-01-31T12:00:30.000Z",
        "last_check_at": "2026-01-31T12:01:00.000Z",
        "next_check_at": "2026-01-31T12:03:00.000Z",
        "ended_at": None,
    }


def test_a_problem_and_a_cancellation_are_shown_while_they_last() -> None:
    error = RunError(ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retryable=True)
    status = custom_status(
        run(status="Running", problem=Failure.of(error), problem_since=after(30), failures=1).canceling(
            CancelCause.REQUEST, after(60)
        )
    )
    assert status["phase"] == "Canceling"
    assert status["problem"] == {
        "code": "service_unavailable",
        "message": "It is busy.",
        "advice": advice_meanwhile("service_unavailable", canceling=True),
        "since": "2026-01-31T12:00:30.000Z",
    }
    assert status["cancellation"] == {
        "cause": "request",
        "requested_at": "2026-01-31T12:01:00.000Z",
        "accepted": False,
    }
    assert "error" not in status
    assert "a second run" not in status["problem"]["advice"], "the job is to end: nobody wants another one"


@pytest.mark.parametrize(
    ("status", "phase", "code"),
    [
        ("Completed", "Completed", None),
        ("Failed", "Failed", "job_failed"),
        ("Canceled", "Canceled", "job_canceled"),
    ],
)
def test_the_end_of_a_run(status: str, phase: str, code: str | None) -> None:
    ended = run(status=status)
    reported = custom_status(ended, end=end_of(ended, after(60)), ended_at=after(60))
    assert reported["phase"] == phase
    assert reported["ended_at"] == "2026-01-31T12:01:00.000Z"
    assert reported["next_check_at"] is None
    assert reported.get("error", {}).get("code") == code
    assert "problem" not in reported


def test_the_result_of_a_completed_run() -> None:
    outputs = {
        "a": Binding(type="UriFile", uri="azureml:out:1"),
        "b": Binding(type="UriFolder", uri="azureml:out:2"),
    }
    completed = run(status="Completed", asked=request(outputs=outputs), checks=7)
    assert result(completed, after(60)) == {
        "outcome": "Completed",
        "job": {"name": "batchjob-1", "status": "Completed", "studio_url": STUDIO_URL},
        "outputs": {"a": "azureml:out:1", "b": "azureml:out:2"},
        "started_at": "2026-01-31T12:00:00.000Z",
        "submitted_at": "2026-01-31T12:00:10.000Z",
        "ended_at": "2026-01-31T12:01:00.000Z",
        "checks": 7,
    }


@pytest.mark.parametrize("character", ["x", "ü", "\u4e2d", "\U0001f600", '"', "\\"])
@pytest.mark.parametrize("failures", [1, 5])
def test_the_largest_status_fits(character: str, failures: int) -> None:
    largest = largest_run(character, failures)
    end = end_of(largest, after(10_000))
    assert (end is not None) is (failures == 5)
    canceling = largest.canceling(CancelCause.QUEUE_TIMEOUT, after(40))
    for state in (largest, canceling):
        reported = custom_status(state, next_check_at=after(50), end=end, ended_at=after(60))
        assert size_of(reported) < STATUS_LIMIT
        assert len((reported.get("error") or reported["problem"])["message"]) >= MAX_MESSAGE_LENGTH


@pytest.mark.parametrize("character", ["ü", "\u4e2d", "\U0001f600", '"'])
def test_the_largest_status_of_a_job_that_failed_fits(character: str) -> None:
    largest = largest_run(character, 1)
    assert largest.job is not None
    failed = largest.model_copy(update={"job": largest.job.model_copy(update={"status": "Failed"})})
    end = end_of(failed, after(10_000))
    assert end is not None
    end = explained(end, failed.earlier_jobs[0].reason)
    assert size_of(custom_status(failed, end=end, ended_at=after(60))) < STATUS_LIMIT


def test_the_status_names_the_earlier_jobs_if_there_are_some() -> None:
    assert custom_status(run(status="Running")).keys().isdisjoint({"job_attempt", "earlier_jobs"})
    earlier = EarlierJob(name="batchjob-0", studio_url=STUDIO_URL, reason=JobReason(message="It went wrong."))
    status = custom_status(run(status="Running", job_attempt=2, earlier_jobs=(earlier,)))
    assert (status["job_attempt"], status["earlier_jobs"]) == (2, ["batchjob-0"])


def test_the_result_has_the_outputs_of_the_job_that_completed() -> None:
    assert result(run(status="Completed", job_attempt=2), after(60))["outputs"] == {
        "output_data": "azureml://datastores/lake/paths/out/attempt-2/r-1.csv"
    }


@pytest.mark.parametrize("character", ["x", "\u4e2d", "\U0001f600", '"', "\\"])
def test_the_largest_reason_fits(character: str) -> None:
    state = largest_run(character, 5)
    assert state.job is not None
    failed = state.model_copy(update={"job": state.job.model_copy(update={"status": "Failed"})})
    end = end_of(failed, after(60))
    reason = reason_of({"message": character * 10_000, "code": character * 10_000}, character * 10_000)
    assert end is not None and reason is not None
    reported = custom_status(failed, end=explained(end, reason), ended_at=after(60))
    assert reported["error"]["reason"]["message"] == reason.message
    assert len(reason.message) == MAX_REASON_LENGTH
    assert size_of(reported) < STATUS_LIMIT


def test_the_largest_status_fits_even_if_a_service_answers_with_control_characters() -> None:
    hostile = largest_run("\x01", 1)
    assert hostile.job is not None
    link = JobResource.parse(
        endpoint_job(
            interactionEndpoints={"Studio": {"endpoint": "https://ml.azure.com/".ljust(LONGEST_LINK, "\x01")}}
        )
    ).studio_url
    hostile = hostile.model_copy(update={"job": hostile.job.model_copy(update={"studio_url": link})})
    assert size_of(custom_status(hostile)) < STATUS_LIMIT


@given(runs(), st.none() | moments, moments)
def test_any_status_is_json_with_known_phases_and_times(
    state: Run, next_check_at: datetime | None, now: datetime
) -> None:
    end = end_of(state, now)
    reported = json.loads(
        json.dumps(custom_status(state, next_check_at=next_check_at, end=end, ended_at=now))
    )
    assert reported["phase"] == (end.outcome if end else state.phase).value
    assert reported["checks"] == state.checks
    assert (reported["job"] is None) is (state.job is None)
    assert ("error" in reported) is (end is not None and end.error is not None)
    for name, value in reported.items():
        if name.endswith("_at") and value is not None:
            assert parse_timestamp(value) is not None


def test_nothing_of_the_request_but_the_endpoint_is_in_the_status() -> None:
    asked = request(deployment="S3cr3tMarker", experiment="S3cr3tMarker")
    assert "S3cr3tMarker" not in json.dumps(custom_status(run(status="Running", asked=asked)))


def test_a_quoted_secret_does_not_reach_the_status() -> None:
    error = RunError(ErrorCode.ACCESS_DENIED, "The service said: Bearer S3cr3tMarker and ?sig=S3cr3tMarker")
    state = run(status="Running", problem=Failure.of(error), failures=1)
    assert "S3cr3tMarker" not in json.dumps(custom_status(state))
