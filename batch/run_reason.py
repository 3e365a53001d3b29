"""The text with which an orchestration fails: the reason, then its error code in brackets.

The runtime keeps this text whatever happens; the custom status, which says the same, can be lost with a host.
"""

import re
from dataclasses import dataclass

from batch.errors import ErrorCode
from batch.run import Phase

# durable-functions behaviour: the Functions host replaces what follows one of these, up to the next quote, in the
# text of a failed function. That text carries the state of the orchestration, too, and can not be read afterwards.
_CUT_BY_THE_HOST = re.compile(
    r"(key|token|server|pwd|password|data source|defaultendpointsprotocol|sig|code)=", re.IGNORECASE
)
_PREFIX = re.compile(r"Orchestrator function '[^']*' failed: ")
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


def reason_text(message: str, code: ErrorCode) -> str:
    """What the orchestration raises. ``code`` is the last word, so that the text alone tells the outcome."""
    kept = _CUT_BY_THE_HOST.sub(r"\1%3D", message)
    return f"{kept} [{code.value}]"


def read_reason(output: object) -> Reason:
    """The reason in the output of a failed instance. Without a known code it is ``internal``: nobody foresaw it."""
    text = output.rstrip() if isinstance(output, str) else ""
    text = _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text
    if coded := _CODED.fullmatch(text):
        code = ErrorCode(coded["code"])
        return Reason(_OUTCOMES.get(code, Phase.FAILED), code, coded["message"])
    return Reason(Phase.FAILED, ErrorCode.INTERNAL, text or "The task hub keeps no reason.")
