"""Recordings of the Durable extension 3.19.0, and their comparison with this host."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"

# Values that change in every run: only their kind is compared.
_KINDS = {
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z",
    "time with offset": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?\+00:00",
    "time without zone": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,7}",
    "traceparent": r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    "span id": r"[0-9a-f]{16}",
    "GUID": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "GUID without dashes": r"[0-9a-f]{32}",
    "id of a child": r"([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}):\d+",
}


def recording(name: str) -> list[dict[str, Any]]:
    """The records of ``recorded/{name}-3.19.0.jsonl``, in their order."""
    return [json.loads(line) for line in (RECORDED / f"{name}-3.19.0.jsonl").read_text().splitlines()]


def differences(recorded: Any, here: Any, deliberate: Mapping[str, str], path: str = "") -> list[str]:
    """A sentence for every place where ``here`` is not as recorded.

    Of ids, times and traces only the kinds are compared. A JSON object inside a text is compared field by field.
    ``deliberate`` has the names of fields that are not compared.
    """
    return list(_differences(recorded, here, deliberate, path))


def _differences(recorded: Any, here: Any, deliberate: Mapping[str, str], path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(here, dict):
        if recorded.keys() != here.keys():
            yield f"{path}: fields {sorted(recorded)} recorded, {sorted(here)} here"
        for name in recorded.keys() & here.keys() - deliberate.keys():
            yield from _differences(recorded[name], here[name], deliberate, f"{path}.{name}")
    elif isinstance(recorded, list) and isinstance(here, list):
        if len(recorded) != len(here):
            yield f"{path}: {len(recorded)} items recorded, {len(here)} here: {recorded!r} {here!r}"
        for position, pair in enumerate(zip(recorded, here, strict=False)):
            yield from _differences(*pair, deliberate, f"{path}[{position}]")
    elif isinstance(recorded, str) and isinstance(here, str) and recorded != here:
        inner = _object_in(recorded), _object_in(here)
        if None not in inner:
            yield from _differences(*inner, deliberate, path)
        elif _kind(recorded) is None or _kind(recorded) != _kind(here):
            yield f"{path}: {recorded!r} recorded, {here!r} here"
    elif type(recorded) is not type(here) or recorded != here:
        yield f"{path}: {recorded!r} recorded, {here!r} here"


def _kind(text: str) -> str | None:
    return next((kind for kind, pattern in _KINDS.items() if re.fullmatch(pattern, text)), None)


def _object_in(text: str) -> dict[str, Any] | None:
    """The text as a JSON object. None also for JSON with blanks, which the extension never writes."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and " " not in re.sub(r'"(\\.|[^"\\])*"', "", text) else None
