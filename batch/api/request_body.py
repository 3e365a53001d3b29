"""From the bytes of a request to its JSON object, with the reason in our words if there is none."""

import codecs
import re
from typing import Any

from pydantic_core import from_json

from batch.errors import FieldError, InvalidRequest

MAX_BODY_BYTES = 65_536
"""The request travels with every execution of its run, so it stays small."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PLACE = re.compile(r" at line (\d+) column (\d+)$")
_REASONS = (
    ("EOF", "it ends too early"),
    ("trailing comma", "it has a comma before the end of an object or a list"),
    ("trailing characters", "it has more text after the end of the object"),
    ("key must be a string", "a name is not in double quotes"),
    ("expected `:`", "a colon after a name is missing"),
    ("expected `,`", "a comma or a bracket is missing"),
    ("recursion limit", "it is nested too deeply"),
    ("control character", "a text has a line break or another control character"),
    ("number", "a number is not written as in JSON"),
    ("escape", "a text has a wrong escape sequence"),
    ("unicode", "a text has bytes that are not UTF-8"),
    ("expected", "a value is not written as in JSON"),
)
"""How the parser begins to say it, or a word of it, and how this API says it."""


def json_object(body: bytes) -> dict[str, Any]:
    """Raises InvalidRequest."""
    if len(body) > MAX_BODY_BYTES:
        raise _refused(f"must be at most {MAX_BODY_BYTES} bytes")
    if body.startswith(_UTF_16):
        raise _refused("is in UTF-16; send it in UTF-8")
    # Windows PowerShell writes it before the text of a file.
    text = body.removeprefix(codecs.BOM_UTF8)
    if not text.strip():
        raise _refused("is empty; send a JSON object")
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise _refused(_not_json(str(error))) from None
    if isinstance(value, str):
        raise _refused("must be a JSON object, not a text that holds one")
    if not isinstance(value, dict):
        raise _refused("must be a JSON object")
    return value


def _not_json(said: str) -> str:
    reason = next((ours for theirs, ours in _REASONS if theirs in said), "it cannot be read")
    place = _PLACE.search(said)
    return f"is not JSON: {reason}" + (f" (line {place[1]}, column {place[2]})" if place else "")


def _refused(reason: str) -> InvalidRequest:
    return InvalidRequest([FieldError("body", reason)])
