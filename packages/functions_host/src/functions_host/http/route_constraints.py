"""Constraints of route parameters, such as ``{id:int}``, as in ASP.NET Core."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime

Check = Callable[[str], bool]

_CONSTRAINT = re.compile(r":(?P<name>[a-z]+)(?:\((?P<arguments>.*?)\))?(?=:|$)", re.IGNORECASE)


class RouteTemplateError(ValueError):
    """The template is not valid. The text says which part of it."""


def parse_constraints(template: str, text: str) -> tuple[Check, ...]:
    """The checks of ``:int:min(5)`` and the like; ``template`` is named in a RouteTemplateError."""
    checks = []
    position = 0
    for match in _CONSTRAINT.finditer(text):
        position = match.end()
        arguments = match["arguments"]
        make = _CONSTRAINTS.get(match["name"].lower())
        if make is None:
            raise RouteTemplateError(f"Route '{template}': there is no constraint '{match['name']}'.")
        try:
            checks.append(make(*_arguments(match["name"], arguments)))
        except (TypeError, ValueError, re.error) as error:
            raise RouteTemplateError(f"Route '{template}': wrong arguments in '{match[0][1:]}'.") from error
    if position != len(text):
        raise RouteTemplateError(f"Route '{template}': '{text[position:]}' is not a constraint.")
    return tuple(checks)


def _arguments(constraint: str, text: str | None) -> list[str]:
    if text is None:
        return []
    # Braces are doubled in a template. Only a regex may contain braces or commas.
    return [text.replace("{{", "{").replace("}}", "}")] if constraint.lower() == "regex" else text.split(",")


def _parses(parse: Callable[[str], object]) -> Callable[[], Check]:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return lambda: check


def _integer(bits: int) -> Callable[[], Check]:
    def parse(value: str) -> None:
        if not re.fullmatch(r"[+-]?[0-9]+", value) or not -(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1):
            raise ValueError(value)

    return _parses(parse)


def _between(measure: Callable[[str], int], low: int, high: float) -> Check:
    def check(value: str) -> bool:
        try:
            return low <= measure(value) <= high
        except ValueError:
            return False

    return check


def _bool(value: str) -> None:
    if value.lower() not in {"true", "false"}:
        raise ValueError(value)


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda value: compiled.search(value) is not None


_CONSTRAINTS: dict[str, Callable[..., Check]] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": _parses(_bool),
    "guid": _parses(uuid.UUID),
    "datetime": _parses(datetime.fromisoformat),
    "decimal": _parses(float),
    "double": _parses(float),
    "float": _parses(float),
    "alpha": lambda: _matches("^[a-z]*$"),
    "regex": _matches,
    "required": lambda: bool,
    "min": lambda low: _between(int, int(low), float("inf")),
    "max": lambda high: _between(int, -(2**63), int(high)),
    "range": lambda low, high: _between(int, int(low), int(high)),
    "minlength": lambda low: _between(len, int(low), float("inf")),
    "maxlength": lambda high: _between(len, 0, int(high)),
    "length": lambda low, high=None: _between(len, int(low), int(low if high is None else high)),
}
