"""The parts of an expression. Each has the line on which it begins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | bool | None
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text with interpolations."""

    parts: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Member:
    """``of.key`` or ``of[key]``; ``safe`` are the forms with a question mark: null for what is not there."""

    of: "Expression"
    key: "Expression"
    safe: bool
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Operation:
    """With one operand or with two."""

    operator: str
    operands: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Choice:
    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Lambda:
    names: tuple[str, ...]
    body: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Object:
    entries: "tuple[tuple[Expression, Expression], ...]"
    line: int


@dataclass(frozen=True, slots=True)
class List:
    items: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Loop:
    """``names`` are those of the item and, if there are two, of its index."""

    names: tuple[str, ...]
    over: "Expression"
    body: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class If:
    """The condition of a resource or module."""

    condition: "Expression"
    body: "Expression"
    line: int


Expression = Literal | Text | Name | Member | Call | Operation | Choice | Lambda | Object | List | Loop | If
