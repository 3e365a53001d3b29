"""What a search says that can not tell. Searches of real lists: the end-to-end tests."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from batch import job_search
from batch.errors import ErrorCode, RunError
from batch.job_resource import JobResource
from batch.job_search import find_job
from batch.rest import AnswerLost, HttpError
from batch.settings import Settings
from batch.submission import Submission
from batch.timestamps import format_timestamp
from batch.workspace_id import WorkspaceId
from tests.batch.builders import START, WORKSPACE_ID, after, request, settings

MARK = Submission().claim("a", format_timestamp(START), None)
IN_WORKSPACE = settings(AZURE_ML_WORKSPACE_ID=WORKSPACE_ID)


def test_without_a_workspace_nobody_can_tell_whether_there_is_a_job() -> None:
    with pytest.raises(RunError, match="AZURE_ML_WORKSPACE_ID") as error:
        find_job("r-1", request(), MARK, settings())
    assert error.value.code is ErrorCode.SUBMISSION_UNCERTAIN
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
def test_a_search_that_fails_is_tried_again_when_the_service_likes(
    failure: RunError, retry_after: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(since: datetime, workspace: WorkspaceId, app: Settings) -> Iterator[JobResource]:
        raise failure

    monkeypatch.setattr(job_search, "jobs_since", failing)
    with pytest.raises(RunError, match="looking for it failed: Too many") as error:
        find_job("r-1", request(), MARK, IN_WORKSPACE)
    assert error.value.code is ErrorCode.SUBMISSION_UNCERTAIN
    assert (error.value.retryable, error.value.retry_after) == (True, retry_after)


def test_jobs_are_looked_for_since_the_claim_whatever_the_clocks_say(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_since = []

    def nothing(since: datetime, workspace: WorkspaceId, app: Settings) -> Iterator[JobResource]:
        looked_since.append(since)
        return iter(())

    monkeypatch.setattr(job_search, "jobs_since", nothing)
    assert find_job("r-1", request(), MARK, IN_WORKSPACE) is None
    assert looked_since == [after(-30)]
