"""An answer of Azure as a value. What is read from its body has the right type, or is empty."""

import json
from dataclasses import dataclass
from typing import Any

LONGEST_QUOTE = 500
"""Characters of a service's message in ours, which holds up to 1,000."""
_MAX_DETAILS = 10
_LONGEST_PART = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """``url`` is without its query. ``retry_after`` is the header as it came."""

    method: str
    url: str
    status: int
    retry_after: str | None
    body: bytes

    @property
    def place(self) -> str:
        return f"{self.method} {self.url}"

    def json_object(self) -> dict[str, Any] | None:
        value = self._json()
        return value if isinstance(value, dict) else None

    def error_code(self) -> str:
        """The code of either error envelope of Azure ML, or nothing."""
        return _text(self._error().get("code"))

    def message(self) -> str:
        """The message of either error envelope of Azure ML, or the body where it is plain text."""
        if self._json() is None:
            return self.body[:_LONGEST_PART].decode("utf-8", "replace")
        error = self._error()
        details = error.get("details")
        parts = [error, *(details[:_MAX_DETAILS] if isinstance(details, list) else [])]
        return " ".join(
            f"{_text(part.get('code'))}: {_text(part.get('message'))}"
            for part in parts
            if isinstance(part, dict) and part
        )

    def _json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            # Not JSON, not Unicode, a number too long, or values nested too deep.
            return None

    def _error(self) -> dict[str, Any]:
        body = self.json_object()
        error = body.get("error") if body else None
        return error if isinstance(error, dict) else {}


def _text(value: object) -> str:
    return str(value)[:_LONGEST_PART] if isinstance(value, str | int) else ""
