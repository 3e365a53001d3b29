"""The reason in an error of run history: the one line of it that tells a person what went wrong."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from batch.azure_ml.answer import mapping_of
from batch.errors import shorten
from batch.redaction import redact
from batch.run.steps import JobReason

MAX_REASON_LENGTH = 500
MAX_NAME_LENGTH = 100
"""Characters of a code, and of a step's name."""
_LONGEST_TEXT = 20_000
"""Characters of a message that are read: it may hold a whole log."""
_MOST_DETAILS = 10
_TRACEBACK = "Traceback (most recent call last):"
_SAYS_NOTHING = re.compile(
    r"(?:AzureMLCompute job failed|Execution failed|Pipeline has failed child jobs|null)\b[.:]?\s*",
    re.IGNORECASE,
)
"""A first line that only repeats that the job failed; what follows says why."""


def reason_of(error: Mapping[str, Any], step: str | None = None) -> JobReason | None:
    """``error`` is the innermost ``error`` object of a run; None if it tells nothing."""
    messages = (_clean(_telling_line(text), MAX_REASON_LENGTH) for text in _texts(error))
    message = next((message for message in messages if message), None)
    if message is None:
        return None
    code = error.get("code")
    return JobReason(
        message=message,
        code=_clean(code, MAX_NAME_LENGTH) or None if isinstance(code, str) else None,
        step=_clean(step, MAX_NAME_LENGTH) or None if step else None,
    )


def _texts(error: Mapping[str, Any]) -> Iterator[str]:
    """The messages of an error, the one most likely to be written for people first."""
    details = error.get("details")
    parts = [error, *(details[:_MOST_DETAILS] if isinstance(details, list) else []), error.get("debugInfo")]
    for part in parts:
        text = mapping_of(part).get("message")
        if isinstance(text, str):
            yield text[:_LONGEST_TEXT]


def _telling_line(text: str) -> str:
    """The exception of the last traceback in the text, or its first line that says something."""
    _, has_traceback, after = text.rpartition(_TRACEBACK)
    if has_traceback:
        # The frames are indented; the exception is not.
        unindented = [line for line in after.splitlines() if line.strip() and not line[0].isspace()]
        if unindented:
            return unindented[0].strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if not _SAYS_NOTHING.fullmatch(line)), lines[0] if lines else "")


def _clean(text: str, limit: int) -> str:
    return shorten(redact(text), limit)
