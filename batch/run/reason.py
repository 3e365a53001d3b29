"""The text with which an orchestration fails: the reason, what to do about it, then its error code in brackets.

The runtime keeps this text in any case. The custom status, which says the same, is lost if a host is killed at the
wrong moment.
"""

import re
from dataclasses import dataclass

from batch.advice import advice
from batch.errors import ErrorCode, shorten
from batch.redaction import redact
from batch.run.phases import Phase

# durable-functions behaviour: in the text of a failed function the Functions host replaces what follows one of these,
# up to the next quote. That text carries the state of the orchestration, too, and cannot be read afterwards.
_CUT_BY_THE_HOST = re.compile(
    r"(key|token|server|pwd|password|data source|defaultendpointsprotocol|sig|code)=", re.IGNORECASE
)
_PREFIX = re.compile(r"\AOrchestrator function '[^']*' failed: ")
_CODED = re.compile(rf"(?P<message>.*) \[(?P<code>{'|'.join(ErrorCode)})\]", re.DOTALL)
_OUTCOMES = {
    ErrorCode.JOB_CANCELED: Phase.CANCELED,
    ErrorCode.TIMED_OUT: Phase.TIMED_OUT,
    ErrorCode.QUEUE_TIMED_OUT: Phase.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run did not complete. Some ``=`` of the message are percent-encoded, as ``reason_text`` writes them."""

    outcome: Phase
    code: ErrorCode
    message: str


def reason_text(message: str, code: ErrorCode, what_to_do: str = "") -> str:
    """What an orchestrator raises: one line whose last word is ``code``, so that the text alone says the outcome."""
    reason = safe_from_the_host(message)
    return f"{reason} {what_to_do} [{code.value}]" if what_to_do else f"{reason} [{code.value}]"


def safe_from_the_host(message: str) -> str:
    """One line of which the Functions host cuts nothing out when a function fails with it."""
    return _CUT_BY_THE_HOST.sub(r"\1%3D", shorten(redact(message)))


def failure_of(error: Exception) -> str:
    """What went wrong, in one line that is never empty.

    The SDK raises a plain Exception for an activity or entity that failed. The extension appends the details to its
    text, as JSON: they are left out.
    """
    text = str(error).partition(" \n {")[0]
    named = text if type(error) is Exception else f"{type(error).__name__}: {text}"
    return shorten(redact(named)) or type(error).__name__


def read_reason(output: object) -> Reason:
    """The reason in the output of a failed instance. Without a known code it is ``internal``: an unexpected error."""
    text = _PREFIX.sub("", output.rstrip()) if isinstance(output, str) else ""
    if coded := _CODED.fullmatch(text):
        code = ErrorCode(coded["code"])
        message = coded["message"].removesuffix(advice(code))
        return Reason(_OUTCOMES.get(code, Phase.FAILED), code, shorten(message))
    return Reason(Phase.FAILED, ErrorCode.INTERNAL, shorten(text) or "The task hub keeps no reason.")
