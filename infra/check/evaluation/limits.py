"""What a parameter takes, by its type and its decorators."""

from collections.abc import Callable, Mapping
from typing import Any

from infra.check.evaluation.functions import shown
from infra.check.evaluation.values import Unknown, Value

_TYPES: Mapping[str, type] = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}

LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "allowed": lambda value, limit: value in limit,
    "minValue": lambda value, limit: value >= limit,
    "maxValue": lambda value, limit: value <= limit,
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
}
"""The decorators that limit values."""


def wrong_value(value: Value, type_text: str, limits: Mapping[str, Value]) -> str | None:
    """What is wrong, as the end of a sentence; None if nothing is. What only Azure knows fits everywhere."""
    if isinstance(value, Unknown):
        return None
    wanted = _TYPES.get(type_text)
    # True is an int in Python.
    if wanted is None or not isinstance(value, wanted) or isinstance(value, bool) is not (wanted is bool):
        return f"must be of type {type_text}, not {shown(value)!r}"
    for name, limit in limits.items():
        if not LIMITS[name](value, limit):
            return f"does not take {shown(value)!r}: {name} is {shown(limit)}"
    return None
