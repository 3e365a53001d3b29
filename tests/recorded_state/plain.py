"""Compares the values of two versions of the app, however each writes them."""

import json
from typing import Any

from batch.timestamps import parse_timestamp

WORDS = ("message", "advice")
SINCE = dict.fromkeys(
    ("stalled_since", "refused_since", "problem_since", "since", "last_refusal", "gives_up_at"), "1.3"
)
"""The version that was the first to write this field: not compared with what an earlier one wrote."""


def plain(value: Any, version: str) -> Any:
    """A value that ``version`` wrote, or one to compare with it.

    The JSON in its texts is parsed. Left out are fields that are null, false, zero or texts for people, and those of
    later versions.
    """
    if isinstance(value, str):
        return _opened(value, version)
    if isinstance(value, dict):
        fields = {name: plain(each, version) for name, each in value.items() if _is_compared(name, version)}
        return {name: each for name, each in fields.items() if each not in (None, False, 0)}
    return [plain(each, version) for each in value] if isinstance(value, list) else value


def _is_compared(name: str, version: str) -> bool:
    return name not in WORDS and _numbers(SINCE.get(name, version)) <= _numbers(version)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _opened(text: str, version: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        # One moment has several spellings.
        return parse_timestamp(text) or text
    return text if isinstance(value, int | float) else plain(value, version)
