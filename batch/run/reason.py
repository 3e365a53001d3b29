"""The text with which an orchestration fails: the reason, what to do about it, then its error code in brackets.

The runtime keeps this text in any case. The custom status, which says the same, is lost if a host is killed at the
wrong moment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from batch.errors import KNOWN_CODES, ErrorCode, shorten
from batch.redaction import redact
from batch.run.phases import Phase

# durable-functions behaviour: in the text of a failed function the Functions host replaces what follows one of these,
# up to the next quote. That text carries the state of the orchestration, too, and cannot be read afterwards.
_CUT_BY_THE_HOST = re.compile(
    r"(key|token|server|pwd|password|data source|defaultendpointsprotocol|sig|code)=", re.IGNORECASE
)
_PREFIX = re.compile(r"\AOrchestrator function '[^']*' failed: ")
_WHAT_TO_DO = " What to do: "
_CODED = re.compile(r"(?P<message>.*) \[(?P<code>[a-z_]{1,64})\]", re.DOTALL)
_OUTCOMES: Mapping[str, Phase] = {
    ErrorCode.JOB_CANCELED: Phase.CANCELED,
    ErrorCode.TIMED_OUT: Phase.TIMED_OUT,
    ErrorCode.QUEUE_TIMED_OUT: Phase.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run did not complete. Some ``=`` of the message are percent-encoded, as ``reason_text`` writes them."""

    outcome: Phase
    code: str
    message: str


def outcome_of(code: str) -> Phase:
    """How a run ends with this error code."""
    return _OUTCOMES.get(code, Phase.FAILED)


def reason_text(message: str, code: str, what_to_do: str = "") -> str:
    """What an orchestrator raises: one line whose last word is ``code``, so that the text alone says the outcome."""
    advice = f"{_WHAT_TO_DO}{what_to_do}" if what_to_do else ""
    return f"{safe_from_the_host(message)}{advice} [{code}]"


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
        code = coded["code"]
        message, has_advice, _ = coded["message"].rpartition(_WHAT_TO_DO)
        # In a text of somebody else, what stands in brackets is not a code.
        if has_advice or code in KNOWN_CODES:
            return Reason(outcome_of(code), code, shorten(message if has_advice else coded["message"]))
    return Reason(Phase.FAILED, ErrorCode.INTERNAL.value, shorten(text) or "The task hub keeps no reason.")
