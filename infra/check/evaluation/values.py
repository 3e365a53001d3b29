"""Values of expressions: those of JSON, references to resources, and texts that stand for what only Azure knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

Value = Any
"""What JSON can hold, an Unknown, a Reference, or the function that a lambda makes."""


@dataclass(frozen=True, slots=True)
class Place:
    file: Path
    line: int


class EvaluationError(Exception):
    """An expression has no value, or this package does not know how to find it."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place.file}:{place.line}: {message}")
        self.place = place
        self.message = message


class WrongArgument(ValueError):
    """A function cannot take what it is given. The caller knows the place."""


class Unknown(str):
    """A value that only Azure knows. Its text names the source, also inside of other texts.

    ``known`` are the members of it that a caller has given.
    """

    known: Mapping[str, Value]

    def __new__(cls, source: str, known: Mapping[str, Value] | None = None) -> Self:
        made = super().__new__(cls, f"<{source}>")
        made.known = known or {}
        return made

    def at(self, step: str | int) -> Value:
        """The value of a member or of an item."""
        source = self[1:-1] + (f"[{step}]" if isinstance(step, int) else f".{step}")
        found = self.known.get(str(step))
        if found is None or isinstance(found, Mapping):
            return Unknown(source, found)
        return found


class Reference:
    """A resource or a module that an expression names. Its members are found when they are asked for."""

    def at(self, step: str) -> Value:
        raise NotImplementedError
