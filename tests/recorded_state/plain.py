"""Compares the values of two versions of the app, however each writes them."""

import json
from typing import Any

from batch.timestamps import parse_timestamp

WORDS = ("message", "advice")


def plain(value: Any) -> Any:
    """The value with the JSON in its texts parsed, without fields that are null, false, zero or texts for people."""
    if isinstance(value, str):
        return _opened(value)
    if isinstance(value, dict):
        fields = {name: plain(each) for name, each in value.items() if name not in WORDS}
        return {name: each for name, each in fields.items() if each not in (None, False, 0)}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _opened(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        # One moment has several spellings.
        return parse_timestamp(text) or text
    return text if isinstance(value, int | float) else plain(value)
