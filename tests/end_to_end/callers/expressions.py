"""Evaluates expressions of Data Factory and Logic Apps, as far as the samples use the language."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Functions = Mapping[str, Callable[..., Any]]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>\w+)|(?P<sign>\?\.|\?\[|[.\[\](),]))"
)
_INTERPOLATION = re.compile(r"@\{((?:[^}']|'(?:[^']|'')*')*)\}")

GENERAL: Functions = {
    "equals": lambda one, other: one == other,
    "contains": lambda collection, value: value in collection,
    "createArray": lambda *values: list(values),
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "concat": lambda *values: "".join(values),
    "string": lambda value: value if isinstance(value, str) else "" if value is None else str(value),
}


class Unevaluable(Exception):
    """The service would refuse the expression, or the value it leads to is not there."""


def evaluated(value: Any, functions: Functions) -> Any:
    """``value`` with each expression in it replaced by what it stands for."""
    if isinstance(value, Mapping):
        if value.get("type") == "Expression" and set(value) == {"value", "type"}:
            return evaluated(value["value"], functions)
        return {name: evaluated(each, functions) for name, each in value.items()}
    if isinstance(value, list):
        return [evaluated(each, functions) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("@") and not value.startswith("@{"):
        return _Parser(value[1:], functions).whole()
    return _INTERPOLATION.sub(lambda match: str(_Parser(match[1], functions).whole()), value)


@dataclass(slots=True)
class _Parser:
    text: str
    functions: Functions
    position: int = 0

    def whole(self) -> Any:
        value = self._value()
        if self.text[self.position :].strip():
            raise Unevaluable(f"{self.text!r} goes on after an expression, at {self.position}")
        return value

    def _value(self) -> Any:
        kind, token = self._next()
        if kind == "text":
            value: Any = token[1:-1].replace("''", "'")
        elif kind == "number":
            value = int(token)
        elif kind == "name":
            value = self._call(token)
        else:
            raise Unevaluable(f"{self.text!r} has {token!r} where a value belongs")
        while (sign := self._peek()) in (".", "?.", "[", "?["):
            self._next()
            if sign.endswith("."):
                _, key = self._next()
            else:
                key = self._value()
                self._expect("]")
            value = self._property(value, key, optional=sign.startswith("?"))
        return value

    def _call(self, name: str) -> Any:
        if name in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[name]
        if name not in self.functions:
            raise Unevaluable(f"{name} is no function here")
        self._expect("(")
        arguments = []
        while self._peek() != ")":
            arguments.append(self._value())
            if self._peek() == ",":
                self._next()
        self._expect(")")
        return self.functions[name](*arguments)

    def _property(self, value: Any, key: Any, *, optional: bool) -> Any:
        if isinstance(value, Mapping) and key in value:
            return value[key]
        if optional and (value is None or isinstance(value, Mapping)):
            return None
        raise Unevaluable(f"{self.text!r}: there is no {key}")

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.position)
        if match is None or match.lastgroup is None:
            raise Unevaluable(f"{self.text!r} cannot be read at {self.position}")
        self.position = match.end()
        return match.lastgroup, match[match.lastgroup]

    def _peek(self) -> str:
        match = _TOKEN.match(self.text, self.position)
        return match[match.lastgroup] if match and match.lastgroup else ""

    def _expect(self, sign: str) -> None:
        _, token = self._next()
        if token != sign:
            raise Unevaluable(f"{self.text!r} has {token!r} where {sign!r} belongs")
