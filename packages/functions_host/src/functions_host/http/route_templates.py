"""Route templates of HTTP triggers, matched as ASP.NET Core matches them."""

import re
from dataclasses import dataclass

from functions_host.http.route_constraints import Check, RouteTemplateError, parse_constraints

_PART = re.compile(r"\{(?:[^{}]|\{\{|\}\})*\}|[^{}]+")
_PARAMETER = re.compile(
    r"(?P<stars>\*{0,2})(?P<name>[^:=?*]+)(?P<constraints>(?::[^=?(]+(?:\(.*?\))?)*)"
    r"(?:=(?P<default>[^?]*))?(?P<optional>\?)?"
)


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A parsed template. ``precedence`` sorts literal segments before constrained, free and catch-all ones."""

    text: str
    precedence: tuple[int, ...]
    _pattern: re.Pattern[str]
    _checks: dict[str, tuple[Check, ...]]
    _defaults: dict[str, str]

    def match(self, path: str) -> dict[str, str] | None:
        """Route values for a decoded path (no leading slash), or None. Literals are case-insensitive."""
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
                raise RouteTemplateError(f"Route '{text}': '{part}' is not a route parameter.")
            name = parameter["name"]
            if name in checks:
                raise RouteTemplateError(f"Route '{text}': the parameter '{name}' appears twice.")
            checks[name] = parse_constraints(text, parameter["constraints"])
            if parameter["default"] is not None:
                defaults[name] = parameter["default"]
            optional = bool(parameter["stars"] or parameter["optional"] or parameter["default"] is not None)
            body += f"(?P<{name}>{'.*' if parameter['stars'] else '[^/]+'})"
            if len(parts) == 1:
                rank = (5 if parameter["stars"] else 3) - bool(checks[name])
        separator = "" if index == 0 else "/"
        pattern += f"(?:{separator}{body})?" if optional and len(parts) == 1 else separator + body
        precedence.append(rank)
    return RouteTemplate(
        text, tuple(precedence), re.compile(pattern, re.IGNORECASE | re.DOTALL), checks, defaults
    )
