"""The text with which a run or window fails: the text rules of the Functions host leave it as it is."""

import json
from typing import Any

import pytest

import orchestrators.batch_run
from batch.advice import advice
from batch.errors import ErrorCode
from batch.redaction import holds_secret
from batch.run.reason import reason_text
from batch.run.request import Binding
from batch.run.source import DataSource
from batch.run.state import Run
from functions_host.worker.redaction import without_credentials
from tests.batch.builders import START, request
from tests.host_texts import HIDDEN_FROM
from tests.orchestrators.execution import Execution, Handle
from tests.orchestrators.steps import IDENTITY, RUNNING, custom_status, error, submitted

PATH_TOKENS = [token for token in HIDDEN_FROM if not set(token) & set("? &")]

with_token = pytest.mark.parametrize("token", HIDDEN_FROM)


def failed(handle: Handle, state: Run, refusal: dict[str, Any]) -> Execution:
    """A run whose submission is refused. The harness checks the text that it raises against the rules."""
    execution = Execution(handle, json.dumps(state.to_json()), START)
    execution.complete(IDENTITY)
    execution.complete(refusal)
    return execution


@pytest.mark.parametrize(
    ("place", "token"),
    [
        *(
            (place, token)
            for place in ("input", "output")
            for token in PATH_TOKENS
            if not holds_secret(token)
        ),
        *(("blob name", token) for token in PATH_TOKENS),
    ],
)
def test_the_text_is_whole_whatever_the_inputs_hold(handle: Handle, place: str, token: str) -> None:
    lake = "azureml://datastores/lake/paths"
    asked = request()
    if place == "input":
        asked = request(inputs={"input_data": Binding(type="UriFolder", uri=f"{lake}/{token}1/")})
    elif place == "output":
        asked = request(outputs={"output_data": Binding(type="UriFile", uri=f"{lake}/{token}1/out.csv")})
    blobs = DataSource(
        container="in",
        folder=f"{token}1",
        count=1,
        first_event_at=START,
        last_event_at=START,
        names=(f"{token}1.csv",),
    )
    state = Run(request=asked, source=blobs if place == "blob name" else None)
    answer = failed(handle, state, error(ErrorCode.REQUEST_REJECTED, "No.")).answer

    assert (answer.error, answer.code) == ("No.", "request_rejected")
    assert custom_status(answer)["error"] == {
        "code": "request_rejected",
        "message": "No.",
        "advice": advice("request_rejected"),
    }


@with_token
@pytest.mark.parametrize("quote", ['"', "'", "<b>", ""])
def test_a_reason_keeps_all_its_words(handle: Handle, token: str, quote: str) -> None:
    reason = f"The endpoint said: {quote}a{token}1/b{quote} is not there, and no {token} either."
    answer = failed(handle, Run(request=request()), error(ErrorCode.NOT_FOUND, reason)).answer

    shown = custom_status(answer)["error"]["message"]
    assert shown.replace("=", "%3D") == str(answer.error).replace("=", "%3D")
    assert (answer.code, "is not there" in shown) == ("not_found", True)


@with_token
def test_the_code_is_read_whatever_the_reason(token: str) -> None:
    text = reason_text(f'"{token}1" {token}', ErrorCode.TIMED_OUT)
    assert without_credentials(text) == text
    assert text.endswith("[timed_out]")


@pytest.mark.parametrize("given", [{"request": {"inputs": 'it\'s "key=1" here'}}, "key='1'", 5, None])
def test_an_input_that_is_not_a_state_is_not_quoted(handle: Handle, given: object) -> None:
    answer = Execution(handle, json.dumps(given), START).answer
    assert answer.error == "The input of this instance is not the state of a run. [internal]"


def test_the_user_of_an_address_is_redacted(handle: Handle) -> None:
    """Otherwise the host cuts it, together with the backslash of the line break before it."""
    reason = "See\nhttps://me:word@proxy:8080 now"
    answer = failed(handle, Run(request=request()), error(ErrorCode.NOT_FOUND, reason)).answer
    assert answer.error == "See https://[redacted]@proxy:8080 now"


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the app: no answer of an activity leads to an exception."""

    def broken(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(orchestrators.batch_run, "next_step_at", broken)


@pytest.mark.usefixtures("breaks")
def test_an_exception_after_the_submission_keeps_the_job(
    handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    execution = submitted(handle)
    answer = execution.complete(RUNNING)

    assert answer.code == "internal"
    assert "Job batchjob-1 may still run" in str(answer.error)
    assert custom_status(answer)["job"]["name"] == "batchjob-1"
    assert json.loads(answer.next_input)["job"]["name"] == "batchjob-1"
    [broke] = [record for record in caplog.records if record.getMessage() == "run_broke run=r-1"]
    assert broke.exc_info is not None


@pytest.mark.usefixtures("breaks")
def test_an_unexpected_exception_ends_the_run_with_its_reason(handle: Handle) -> None:
    """The text does not hold the actions so far: they hold the request."""
    asked = request(
        inputs={"input_data": Binding(type="UriFolder", uri="azureml://datastores/l/paths/key=1/")}
    )
    answer = failed(handle, Run(request=asked), error(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)).answer

    assert (answer.code, custom_status(answer)["phase"]) == ("internal", "Failed")
    assert "KeyError" in str(answer.error)
    assert "A job may have been submitted" in str(answer.error)
