"""What an answer of Azure Resource Manager says about the workspace."""

from typing import Any

import pytest

from batch.addresses import WorkspaceId
from batch.azure_ml import workspace_jobs
from batch.azure_ml.rest import HttpError
from batch.errors import ErrorCode
from tests.batch.builders import WORKSPACE_ID, settings


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [
        (404, ErrorCode.NOT_FOUND, ErrorCode.WORKSPACE_NOT_FOUND),
        (403, ErrorCode.ACCESS_DENIED, ErrorCode.ACCESS_DENIED),
        (503, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.SERVICE_UNAVAILABLE),
    ],
)
def test_only_the_code_of_a_404_is_that_of_the_workspace(
    monkeypatch: pytest.MonkeyPatch, status: int, answered: ErrorCode, code: ErrorCode
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise HttpError(status, answered, "It says no.", retry_after=7.0)

    monkeypatch.setattr(workspace_jobs, "post_once", refuse)
    with pytest.raises(HttpError) as error:
        workspace_jobs.cancel(WorkspaceId(WORKSPACE_ID), "batchjob-1", settings())
    assert (error.value.code, error.value.status) == (code, status)
    assert (error.value.message, error.value.retry_after) == ("It says no.", 7.0)
