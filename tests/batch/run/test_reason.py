import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batch.advice import advice
from batch.errors import ErrorCode, shorten
from batch.redaction import redact
from batch.run.phases import Phase
from batch.run.reason import Reason, read_reason, reason_text
from tests.host_texts import HIDDEN_FROM

PREFIX = "Orchestrator function 'batch_run' failed: "
OUTCOMES = {
    **dict.fromkeys(ErrorCode, Phase.FAILED),
    ErrorCode.JOB_CANCELED: Phase.CANCELED,
    ErrorCode.TIMED_OUT: Phase.TIMED_OUT,
    ErrorCode.QUEUE_TIMED_OUT: Phase.TIMED_OUT,
}

messages = st.lists(st.text() | st.sampled_from(HIDDEN_FROM)).map("".join)


@given(messages, st.sampled_from(ErrorCode), st.booleans())
@example("", ErrorCode.INTERNAL, True)
@example("It said [timed_out]", ErrorCode.JOB_FAILED, False)
@example(f"{PREFIX}twice", ErrorCode.JOB_FAILED, True)
@example("customer_key=42/ was not found\n", ErrorCode.NOT_FOUND, True)
def test_a_written_reason_can_be_read(message: str, code: ErrorCode, with_advice: bool) -> None:
    reason = read_reason(PREFIX + reason_text(message, code, advice(code) if with_advice else ""))
    assert (reason.code, reason.outcome) == (code, OUTCOMES[code])
    assert reason.message.replace("%3D", "=") == shorten(redact(message)).replace("%3D", "=")


@given(messages, st.sampled_from(ErrorCode))
def test_the_host_cuts_nothing_out_of_a_written_reason(message: str, code: ErrorCode) -> None:
    text = reason_text(message, code, advice(code)).lower()
    assert not [token for token in HIDDEN_FROM if token.lower() in text]


@pytest.mark.parametrize("token", [token for token in HIDDEN_FROM if redact(f"{token}1") == f"{token}1"])
@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_a_name_that_the_host_would_cut_stays_readable(token: str, spell: type[str]) -> None:
    name, _, rest = spell(token).partition("=")
    text = reason_text(f"The folder a/{name}={rest}1/b=2 is not there.", ErrorCode.NOT_FOUND)
    assert text == f"The folder a/{name}%3D{rest}1/b=2 is not there. [not_found]"


@pytest.mark.parametrize(
    "text",
    [
        "no luck",
        "It broke [0]",
        "It broke [of_another_version]",
        "Result: Failure\nException: ImportError: no module [x]",
        "[timed_out]",
        "timed_out",
    ],
)
@pytest.mark.parametrize("prefix", [PREFIX, ""])
def test_a_reason_without_a_known_code_is_internal(prefix: str, text: str) -> None:
    assert read_reason(prefix + text) == Reason(Phase.FAILED, ErrorCode.INTERNAL, shorten(text))


def test_a_text_of_the_runtime_is_a_reason() -> None:
    text = "Non-Deterministic workflow detected: A previous execution scheduled an activity task."
    assert read_reason(text).message == text


@pytest.mark.parametrize("output", [None, "", " ", 5, {"outcome": "Completed"}, [PREFIX]])
def test_an_output_that_is_not_text_has_no_reason(output: object) -> None:
    assert read_reason(output) == Reason(Phase.FAILED, ErrorCode.INTERNAL, "The task hub keeps no reason.")


def test_a_code_consists_of_letters_and_underscores() -> None:
    """Otherwise ``read_reason`` would not find it."""
    assert all(re.fullmatch(r"[a-z_]+", code) for code in ErrorCode)


def test_the_code_of_another_version_is_read_where_it_follows_advice() -> None:
    text = "Orchestrator function 'batch_run' failed: It was late. What to do: Hurry up. [code_of_tomorrow]"
    assert read_reason(text) == Reason(Phase.FAILED, "code_of_tomorrow", "It was late.")


def test_the_advice_of_another_version_is_not_part_of_the_message() -> None:
    assert read_reason("It was late. What to do: Once we said so. [timed_out]").message == "It was late."
