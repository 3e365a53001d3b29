"""Continuation tokens: opaque to the caller, the last key of the page to us."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from .contract import ArgumentError


def encode_continuation(*last_key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(last_key).encode()).decode()


def decode_continuation(token: str | None, parts: int) -> Sequence[str]:
    """The ``parts`` of the key; empty texts, which sort before every key, for the first page."""
    if not token:
        return [""] * parts
    try:
        key = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(part, str) for part in key):
        raise ArgumentError("The continuation token is not one of this task hub.")
    return key
