"""Which of the listed jobs a search takes, and what it reports if it cannot decide.

Searches of real lists: the end-to-end tests.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from batch.addresses import WorkspaceId
from batch.azure_ml import job_search
from batch.azure_ml.endpoint import ATTEMPT_TAG, RUN_ID_TAG
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_search import find_job
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.errors import ErrorCode, RunError
from batch.run.submission import Submission
from batch.settings import Settings
from batch.timestamps import format_timestamp
from tests.batch.azure_ml.jobs import arm_job
from tests.batch.builders import START, WORKSPACE_ID, after, request, settings

SUBMISSION = Submission().claim("a", format_timestamp(START), None)
IN_WORKSPACE = settings(AZURE_ML_WORKSPACE_ID=WORKSPACE_ID)
OUR_TAGS = {RUN_ID_TAG: "r-1", ATTEMPT_TAG: "a"}


def _listed(monkeypatch: pytest.MonkeyPatch, *jobs: JobResource) -> None:
    monkeypatch.setattr(job_search, "jobs_since", lambda since, workspace, app: iter(jobs))


def _arm(name: str, **fields: Any) -> JobResource:
    listed = arm_job(**fields)
    return JobResource.parse({**listed, "id": f"{WORKSPACE_ID}/jobs/{name}", "name": name})


@pytest.mark.parametrize("experiment", ["scores", "Scores", "nightly", "whatever"])
def test_our_tag_counts_in_any_experiment(experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _listed(monkeypatch, _arm("batchjob-7", experimentName=experiment, tags=OUR_TAGS))
    found = find_job("r-1", request(experiment="nightly"), SUBMISSION, IN_WORKSPACE)
    assert found is not None
    assert found.name == "batchjob-7"


@pytest.mark.parametrize(
    ("listed", "is_read"), [("scores", True), ("SCORES", True), ("Nightly", True), ("other", False)]
)
def test_a_job_without_our_tag_is_read_if_its_experiment_is_possible(
    listed: str, is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, _arm("batchjob-7", experimentName=listed))
    read: list[str] = []

    def reading(endpoint_uri: str, job_name: str, app: Settings) -> JobResource:
        read.append(job_name)
        raise HttpError(404, ErrorCode.NOT_FOUND, "Not here.")

    monkeypatch.setattr(job_search, "read_job", reading)
    assert find_job("r-1", request(experiment="nightly"), SUBMISSION, IN_WORKSPACE) is None
    assert read == (["batchjob-7"] if is_read else [])


def test_on_a_host_that_names_no_endpoint_every_experiment_is_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _listed(monkeypatch, _arm("batchjob-7", experimentName="whatever"))
    read: list[str] = []

    def reading(endpoint_uri: str, job_name: str, app: Settings) -> JobResource:
        read.append(job_name)
        raise HttpError(404, ErrorCode.NOT_FOUND, "Not here.")

    monkeypatch.setattr(job_search, "read_job", reading)
    elsewhere = "https://scores.example.com/jobs"
    app = settings(AZURE_ML_WORKSPACE_ID=WORKSPACE_ID, ALLOWED_ENDPOINT_ORIGINS="https://scores.example.com")
    assert find_job("r-1", request(endpoint_uri=elsewhere), SUBMISSION, app) is None
    assert read == ["batchjob-7"]


def test_of_several_jobs_from_one_request_the_first_is_taken_and_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = {"batchjob-3": 32, "batchjob-1": 30, "batchjob-2": 31}
    jobs = [_arm(name, created_at=f"2026-01-31T12:00:{s}Z", tags=OUR_TAGS) for name, s in times.items()]
    _listed(monkeypatch, *jobs)
    found = find_job("r-1", request(), SUBMISSION, IN_WORKSPACE)
    assert found is not None
    assert found.name == "batchjob-1"
    [line] = [record.getMessage() for record in caplog.records]
    assert line == 'jobs_beside run=r-1 job=batchjob-1 others="batchjob-2, batchjob-3"'


def test_without_a_workspace_in_the_settings_the_submission_stays_uncertain() -> None:
    with pytest.raises(RunError, match="AZURE_ML_WORKSPACE_ID") as error:
        find_job("r-1", request(), SUBMISSION, settings())
    assert error.value.code == ErrorCode.SUBMISSION_UNCERTAIN
    assert not error.value.retryable
    assert "Nothing is submitted again" in error.value.message


@pytest.mark.parametrize(
    ("failure", "retry_after"),
    [
        (HttpError(429, ErrorCode.SERVICE_UNAVAILABLE, "Too many.", retry_after=17), 17),
        (HttpError(503, ErrorCode.SERVICE_UNAVAILABLE, "Too many."), None),
        (HttpError(403, ErrorCode.ACCESS_DENIED, "Too many."), None),
        (AnswerLost("Too many."), None),
        (RunError(ErrorCode.TOKEN_UNAVAILABLE, "Too many.", retryable=True), None),
    ],
)
def test_a_failed_search_is_retried_after_the_time_that_the_service_asks_for(
    failure: RunError, retry_after: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(since: datetime, workspace: WorkspaceId, app: Settings) -> Iterator[JobResource]:
        raise failure

    monkeypatch.setattr(job_search, "jobs_since", failing)
    with pytest.raises(RunError, match="the search for it failed: Too many") as error:
        find_job("r-1", request(), SUBMISSION, IN_WORKSPACE)
    assert error.value.code == ErrorCode.SUBMISSION_UNCERTAIN
    assert (error.value.retryable, error.value.retry_after) == (True, retry_after)


def test_the_search_begins_a_little_before_the_claim_because_clocks_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched_since = []

    def nothing(since: datetime, workspace: WorkspaceId, app: Settings) -> Iterator[JobResource]:
        searched_since.append(since)
        return iter(())

    monkeypatch.setattr(job_search, "jobs_since", nothing)
    assert find_job("r-1", request(), SUBMISSION, IN_WORKSPACE) is None
    assert searched_since == [after(-30)]
