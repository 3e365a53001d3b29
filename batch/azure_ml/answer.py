"""An answer of Azure as a value. What is read from its body has the right type, or is empty."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_QUOTE = 500
"""Characters of a service's message in ours, which holds up to 1,000."""
_MAX_DETAILS = 10
_LONGEST_PART = 2_000


@dataclass(frozen=True, slots=True)
class ServiceError:
    """What either error envelope of Azure ML says, or a body of plain text. Empty where there is nothing."""

    code: str = ""
    message: str = ""


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

    def error(self) -> ServiceError:
        body = self._json()
        if body is None:
            return ServiceError(message=self.body[:_LONGEST_PART].decode("utf-8", "replace"))
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            return ServiceError()
        details = error.get("details")
        parts = [error, *(details[:_MAX_DETAILS] if isinstance(details, list) else [])]
        message = " ".join(
            f"{_text(part.get('code'))}: {_text(part.get('message'))}"
            for part in parts
            if isinstance(part, dict) and part
        )
        return ServiceError(_text(error.get("code")), message)

    def _json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            # Not JSON, not Unicode, a number too long, or values nested too deep.
            return None


def mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return str(value)[:_LONGEST_PART] if isinstance(value, str | int) else ""
