import pytest

from batch.errors import ErrorCode, RunError
from batch.job_search import find_job
from tests.batch.builders import START, request, settings


def test_without_a_workspace_nobody_can_tell_whether_there_is_a_job() -> None:
    with pytest.raises(RunError, match="AZURE_ML_WORKSPACE_ID") as error:
        find_job("r-1", request(), START, settings())
    assert error.value.code is ErrorCode.SUBMISSION_UNCERTAIN
    assert not error.value.retryable
    assert "Nothing was submitted again" in error.value.message
