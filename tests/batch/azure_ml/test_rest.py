from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.azure_ml.rest import MAX_RETRY_AFTER, AnswerLost, HttpError, NotSent, retry_after_seconds
from batch.errors import ErrorCode, RunError

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 30 ", 30),
        ("3600", 3_600),
        ("3601", MAX_RETRY_AFTER),
        ("9" * 400, MAX_RETRY_AFTER),
        ("Sat, 31 Jan 2026 12:00:45 GMT", 45),
        ("Sat, 31 Jan 2026 12:00:45 +0000", 45),
        ("Sat, 31 Jan 2026 13:00:45 +0100", 45),
        ("Sat, 31 Jan 2026 12:00:45", 45),
        ("Sat, 31 Jan 2026 12:00:45 -0000", 45),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0),
        ("Sat, 31 Jan 2099 12:00:00 GMT", MAX_RETRY_AFTER),
    ],
)
def test_both_forms_of_retry_after_are_read(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "soon",
        "-1",
        "1.5",
        "1e3",
        "1e999",
        "-9999999999",
        "NaN",
        "²",
        "0x10",
        "Sat, 31 Foo 2026 12:00:45 GMT",
    ],
)
def test_an_unreadable_retry_after_counts_as_absent(header: str | None) -> None:
    assert retry_after_seconds(header, NOW) is None


@pytest.mark.parametrize(
    "header", ["1 Jan 99999999999999999999 00:00:00 GMT", "Mon, 1 Jan 2024 00:00:00 +99999999999999"]
)
def test_a_retry_after_with_an_absurd_number_counts_as_absent(header: str) -> None:
    assert retry_after_seconds(header, NOW) is None


_in_time = st.floats(-1e9, 1e9).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(st.text(max_size=40) | st.integers().map(str) | _in_time.map(format_datetime))
def test_the_wait_is_bounded_whatever_the_header_says(header: str) -> None:
    seconds = retry_after_seconds(header, NOW)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER


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
def test_transient_errors_are_retryable_and_refusals_are_not(
    error: RunError, code: ErrorCode, retryable: bool
) -> None:
    assert (error.code, error.retryable) == (code, retryable)
