"""The functions of Bicep that need nothing but their arguments."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from infra.check.evaluation.values import Unknown, Value, WrongArgument


def shown(value: Value) -> str:
    """As an interpolation and ``string()`` write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if value is None:
        return ""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _unique_string(*parts: Value) -> str:
    """Thirteen characters, as Azure's; other ones than Azure's."""
    digest = hashlib.sha256(_joined(parts)).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _guid(*parts: Value) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(_joined(parts)).digest()[:16], version=5))


def _joined(parts: Sequence[Value]) -> bytes:
    if not parts or not all(isinstance(part, str) for part in parts):
        raise WrongArgument("all arguments must be texts")
    return json.dumps(parts).encode()


def _empty(value: Value) -> bool:
    return False if isinstance(value, Unknown) else value is None or len(_sized(value)) == 0


def _sized(value: Value) -> Any:
    if isinstance(value, Unknown) or not isinstance(value, str | list | dict):
        raise WrongArgument(f"{shown(value)!r} is no text, list or object")
    return value


def _sequence(value: Value) -> Any:
    if isinstance(value, dict):
        raise WrongArgument("an object has no order")
    return _sized(value)


def _text(value: Value) -> str:
    """Raises WrongArgument for what only Azure knows: whatever is found in its text here is none of Azure's."""
    if isinstance(value, str) and not isinstance(value, Unknown):
        return value
    raise WrongArgument(f"{shown(value)!r} is no text that is known here")


def _contains(whole: Value, part: Value) -> bool:
    if isinstance(whole, Unknown) or isinstance(part, Unknown):
        raise WrongArgument(f"only Azure knows whether {shown(whole)!r} contains {shown(part)!r}")
    return shown(part) in whole if isinstance(whole, str) else part in _sized(whole)


def _union(*values: Value) -> Value:
    """Of objects, in which the later value counts; of lists without what is there already."""
    if all(isinstance(value, dict) for value in values):
        united: dict[str, Value] = {}
        for value in values:
            for key, item in value.items():
                both = isinstance(item, dict) and isinstance(united.get(key), dict)
                united[key] = _union(united[key], item) if both else item
        return united
    if all(isinstance(value, list) for value in values):
        items: list[Value] = []
        for value in values:
            items.extend(item for index, item in enumerate(value) if item not in items + value[:index])
        return items
    raise WrongArgument("all arguments must be objects, or all must be lists")


def _join(items: Value, separator: str) -> str:
    return separator.join(shown(item) for item in _sequence(items))


def _split(value: str, separator: str) -> list[Value]:
    return list(_text(value).split(separator))


def _filter(items: Value, keeps: Callable[..., Value]) -> list[Value]:
    return [item for item in _sequence(items) if _is_true(keeps(item))]


def _is_true(value: Value) -> bool:
    if not isinstance(value, bool):
        raise WrongArgument(f"{shown(value)!r} is neither true nor false")
    return value


def _numbers(*values: Value) -> list[int]:
    found = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    if not found or not all(isinstance(value, int) and not isinstance(value, bool) for value in found):
        raise WrongArgument("all arguments must be whole numbers")
    return list(found)


def _first(items: Value) -> Value:
    return _sequence(items)[0] if _sequence(items) else None


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "any": lambda value: value,
    "concat": lambda *values: (
        "".join(map(shown, values))
        if isinstance(values[0], str)
        else [one for each in values for one in each]
    ),
    "contains": _contains,
    "empty": _empty,
    "endsWith": lambda value, end: _text(value).lower().endswith(_text(end).lower()),
    "filter": _filter,
    "first": _first,
    "flatten": lambda lists: [item for one in _sequence(lists) for item in _sequence(one)],
    "guid": _guid,
    "int": int,
    "items": lambda value: [{"key": key, "value": value[key]} for key in sorted(value)],
    "join": _join,
    "last": lambda items: _first(_sequence(items)[::-1]),
    "length": lambda value: len(_sized(value)),
    "map": lambda items, change: [change(item) for item in _sequence(items)],
    "max": lambda *values: max(_numbers(*values)),
    "min": lambda *values: min(_numbers(*values)),
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda value, old, new: _text(value).replace(old, new),
    "split": _split,
    "startsWith": lambda value, start: _text(value).lower().startswith(_text(start).lower()),
    "string": shown,
    "take": lambda value, count: _sequence(value)[: max(count, 0)],
    "toLower": lambda value: value.lower(),
    "toUpper": lambda value: value.upper(),
    "trim": lambda value: value.strip(),
    "union": _union,
    "uniqueString": _unique_string,
    "uri": urljoin,
}
