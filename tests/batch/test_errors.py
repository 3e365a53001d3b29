import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.azure_ml.rest import AnswerLost, HttpError, NotSent
from batch.errors import MAX_MESSAGE_LENGTH, ErrorCode, FieldError, InvalidRequest, RunError, shorten
from batch.redaction import redact
from batch.run.steps import Failure

MARKER = "S3cr3tMarker"


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


JWT = f"{_segment({'typ': 'JWT', 'alg': 'RS256'})}.{_segment({'aud': 'https://ml.azure.com'})}.{MARKER}-sig_nature"


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"token '{JWT}' was refused",
        f"Authorization: Bearer {JWT}",
        f"Authorization: Bearer {MARKER}.opaque+/=",
        f"authorization: bearer {MARKER}",
        f"BEARER {MARKER}",
        f"client_id=a&client_secret={MARKER}&scope=b",
        f"CLIENT_SECRET={MARKER}",
        f"https://a.blob.core.windows.net/c?sv=2024&sig={MARKER}%2B%3D&se=2026",
        f"?SIG={MARKER}",
        f"{JWT}\n{JWT}",
    ],
)
def test_tokens_secrets_and_signatures_are_taken_out(text: str) -> None:
    assert MARKER not in redact(text)
    assert "[redacted]" in redact(text)
    assert MARKER not in str(RunError(ErrorCode.INTERNAL, text))


def test_what_stands_beside_a_secret_stays() -> None:
    assert (
        redact(f"a client_secret={MARKER}&scope=b, sig={MARKER} c")
        == "a client_secret=[redacted]&scope=b, sig=[redacted] c"
    )
    assert (
        redact("Job batchjob-1 failed: design=5, the bearer is me")
        == "Job batchjob-1 failed: design=5, the bearer [redacted] me"
    )


@given(st.text(max_size=80))
def test_redacting_is_done_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_short_text_is_one_line_within_its_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert len(short.splitlines()) <= 1
    assert shorten(short, limit) == short


@pytest.mark.parametrize(
    ("text", "short"), [("", ""), (" a\r\n\tb ", "a b"), ("x" * 11, "x" * 9 + "…"), ("x" * 10, "x" * 10)]
)
def test_shortening(text: str, short: str) -> None:
    assert shorten(text, 10) == short


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


def test_a_message_is_redacted_before_it_is_cut() -> None:
    message = RunError(ErrorCode.INTERNAL, "x" * (MAX_MESSAGE_LENGTH - 9) + f" {JWT}").message
    assert len(message) <= MAX_MESSAGE_LENGTH
    assert "eyJ" not in message


@pytest.mark.parametrize(
    "text",
    [
        f"Bearer  {MARKER}",
        f"Bearer\n{MARKER}",
        f'{{"client_secret": "{MARKER}"}}',
        f"client_secret: {MARKER}",
    ],
)
def test_secrets_are_taken_out_however_they_are_set_off(text: str) -> None:
    assert MARKER not in str(RunError(ErrorCode.INTERNAL, text))


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (NotSent("a"), ErrorCode.SERVICE_UNAVAILABLE, True),
        (AnswerLost("a"), ErrorCode.SERVICE_UNAVAILABLE, True),
        (
            HttpError(500, ErrorCode.SERVICE_UNAVAILABLE, "a", retry_after=5),
            ErrorCode.SERVICE_UNAVAILABLE,
            True,
        ),
        (HttpError(403, ErrorCode.ACCESS_DENIED, "a"), ErrorCode.ACCESS_DENIED, False),
        (HttpError(404, ErrorCode.NOT_FOUND, "a"), ErrorCode.NOT_FOUND, False),
    ],
)
def test_what_time_heals_may_be_tried_again(error: RunError, code: ErrorCode, retryable: bool) -> None:
    assert (error.code, error.retryable) == (code, retryable)


def test_a_refusal_tells_every_reason() -> None:
    error = InvalidRequest([FieldError("a", "is wrong"), FieldError("b", "is missing")])
    assert str(error) == "a: is wrong; b: is missing"
