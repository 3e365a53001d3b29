"""Route templates of HTTP triggers, matched the way ASP.NET Core matches them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Check = Callable[[str], bool]

_PART = re.compile(r"\{(?:[^{}]|\{\{|\}\})*\}|[^{}]+")
_PARAMETER = re.compile(
    r"(?P<stars>\*{0,2})(?P<name>[^:=?*]+)(?P<constraints>(?::[^=?(]+(?:\(.*?\))?)*)"
    r"(?:=(?P<default>[^?]*))?(?P<optional>\?)?"
)
_CONSTRAINT = re.compile(r":(?P<name>[a-z]+)(?:\((?P<arguments>.*?)\))?(?=:|$)", re.IGNORECASE)


class RouteTemplateError(ValueError):
    """The template cannot be understood. The text says which part."""


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A parsed template. ``precedence`` sorts literal before constrained before free before catch-all."""

    text: str
    precedence: tuple[int, ...]
    _pattern: re.Pattern[str]
    _checks: dict[str, tuple[Check, ...]]
    _defaults: dict[str, str]

    def match(self, path: str) -> dict[str, str] | None:
        """Route values for a decoded path (no leading slash), or None. Literals are matched without case."""
        found = self._pattern.fullmatch(path.strip("/"))
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        for name, value in values.items():
            if not all(check(value) for check in self._checks[name]):
                return None
        return self._defaults | values


def parse_route(text: str) -> RouteTemplate:
    """Parses for example ``jobs/{id:int}/files/{*rest}``. Raises RouteTemplateError."""
    checks: dict[str, tuple[Check, ...]] = {}
    defaults: dict[str, str] = {}
    pattern, precedence = "", []
    for index, segment in enumerate(text.strip("/").split("/")):
        parts = _PART.findall(segment)
        if "".join(parts) != segment:
            raise RouteTemplateError(f"Route '{text}': unbalanced braces in '{segment}'.")
        body, optional = "", False
        rank = 1 if len(parts) == 1 and not segment.startswith("{") else 2
        for part in parts:
            if not part.startswith("{"):
                body += re.escape(part)
                continue
            parameter = _PARAMETER.fullmatch(part[1:-1])
            if parameter is None or not parameter["name"].isidentifier():
                raise RouteTemplateError(f"Route '{text}': '{part}' is no route parameter.")
            name = parameter["name"]
            if name in checks:
                raise RouteTemplateError(f"Route '{text}': the parameter '{name}' appears twice.")
            checks[name] = _constraints(text, parameter["constraints"])
            if parameter["default"] is not None:
                defaults[name] = parameter["default"]
            optional = bool(parameter["stars"] or parameter["optional"] or parameter["default"] is not None)
            body += f"(?P<{name}>{'.*' if parameter['stars'] else '[^/]+'})"
            if len(parts) == 1:
                rank = (5 if parameter["stars"] else 3) - bool(checks[name])
        separator = "" if index == 0 else "/"
        pattern += f"(?:{separator}{body})?" if optional and len(parts) == 1 else separator + body
        precedence.append(rank)
    return RouteTemplate(text, tuple(precedence), re.compile(pattern, re.IGNORECASE), checks, defaults)


def _constraints(template: str, text: str) -> tuple[Check, ...]:
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
        raise RouteTemplateError(f"Route '{template}': '{text[position:]}' is no constraint.")
    return tuple(checks)


def _arguments(constraint: str, text: str | None) -> list[str]:
    if text is None:
        return []
    # Braces are doubled in a template; only a regex has use for them, or for commas.
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
