"""Which line of Azure ML's error a person gets to read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.azure_ml.job_error import MAX_NAME_LENGTH, MAX_REASON_LENGTH, reason_of
from batch.run.steps import JobReason
from tests.batch.azure_ml.json_values import json_values

TRACEBACK = """\
Execution failed. User process '/a/bin/python' exited with status code 1. Error: Traceback (most recent call last):
  File "driver.py", line 7, in <module>
    main()
  File "score.py", line 21, in run
    raise ValueError("no column")
ValueError: no column age
in file x.csv
"""


def message_of(text: str, **fields: Any) -> str | None:
    reason = reason_of({"code": "UserError", "message": text, **fields})
    return reason.message if reason else None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("It is full.\nMore of it.", "It is full."),
        ("\n\n  It is full.  \n", "It is full."),
        (TRACEBACK, "ValueError: no column age"),
        (
            TRACEBACK + "\nDuring handling of the above exception, another exception occurred:\n\n"
            'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nKeyError: 5\n',
            "KeyError: 5",
        ),
        ('Traceback (most recent call last):\n  File "a.py"', "Traceback (most recent call last):"),
        (
            "AzureMLCompute job failed.\nPreemptionError: Nodes of this job got pre-empted.",
            "PreemptionError: Nodes of this job got pre-empted.",
        ),
        ("AzureMLCompute job failed.", "AzureMLCompute job failed."),
        (
            "AzureMLCompute job failed. PreemptionError: Nodes of this job got pre-empted.",
            "AzureMLCompute job failed. PreemptionError: Nodes of this job got pre-empted.",
        ),
    ],
)
def test_the_line_that_says_what_went_wrong_is_kept(text: str, line: str) -> None:
    assert message_of(text) == line


@pytest.mark.parametrize(
    "nothing", [{}, {"code": "UserError"}, {"message": None}, {"message": " \n"}, {"message": 5}]
)
def test_an_error_that_tells_nothing_is_no_reason(nothing: dict[str, Any]) -> None:
    assert reason_of(nothing) is None


def test_where_the_error_is_empty_its_details_are_read() -> None:
    assert (
        message_of("", details=[5, {"message": ""}, {"message": "The disk is full."}]) == "The disk is full."
    )
    assert message_of("", details=None, debugInfo={"message": "x: y"}) == "x: y"


def test_code_and_step_are_kept_if_they_are_told() -> None:
    assert reason_of({"code": "UserError", "message": "a"}, "score") == JobReason(
        code="UserError", message="a", step="score"
    )
    assert reason_of({"code": None, "message": "a"}, "") == JobReason(message="a")


@pytest.mark.parametrize(
    "secret",
    [
        "https://a.blob.core.windows.net/c/x?sv=1&sig=S3cr3t%2B",
        "Bearer S3cr3tS3cr3t",
        "AccountKey=S3cr3t==",
        "eyJhbGciOiJSUzI1NiJ9.S3cr3t.S3cr3t",
        "https://user:S3cr3t@host/",
    ],
)
def test_a_secret_is_removed_before_the_text_is_cut(secret: str) -> None:
    reason = reason_of({"message": f"Cannot read {secret} " + "x" * 600, "code": secret}, secret)
    assert reason is not None
    assert "S3cr3t" not in json.dumps(reason.to_json())
    assert len(reason.message) == MAX_REASON_LENGTH


@given(json_values, json_values, json_values)
def test_whatever_run_history_answers_is_short_or_nothing(message: Any, details: Any, code: Any) -> None:
    reason = reason_of(
        {"message": message, "details": details, "code": code, "debugInfo": details}, "s" * 500
    )
    if reason:
        assert 0 < len(reason.message) <= MAX_REASON_LENGTH
        assert len(reason.code or "") <= MAX_NAME_LENGTH
        assert reason.step and len(reason.step) <= MAX_NAME_LENGTH


@given(st.text(max_size=300))
def test_any_text_gives_a_line_of_it(text: str) -> None:
    message = message_of(text)
    assert message is None or (message and message.isprintable())
