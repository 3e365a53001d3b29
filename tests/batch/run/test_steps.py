import json

from hypothesis import given
from hypothesis import strategies as st

from batch.errors import ErrorCode, RunError
from batch.run.steps import Failure

_errors = st.builds(
    RunError,
    st.sampled_from(ErrorCode),
    st.text(max_size=50),
    retryable=st.booleans(),
    retry_after=st.none() | st.floats(0, 3_600),
)


@given(_errors)
def test_an_error_crosses_the_task_hub_as_json(error: RunError) -> None:
    read = Failure.from_json(json.loads(json.dumps(Failure.of(error).to_json())))
    assert read == Failure.of(error)
    assert read.message == str(error)
