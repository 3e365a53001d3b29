"""The value of an expression, with the names that its template declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.check.evaluation import tree
from infra.check.evaluation.functions import FUNCTIONS, shown
from infra.check.evaluation.values import EvaluationError, Place, Reference, Unknown, Value, WrongArgument


class Names(Protocol):
    """What an expression needs of its template."""

    def value_of(self, name: str, place: Place) -> Value: ...

    def function(self, name: str) -> Callable[..., Value] | None:
        """A function that depends on the template or on where it is deployed."""


@dataclass(frozen=True, slots=True)
class Context:
    """``bound`` are the names of lambdas and loops."""

    file: Path
    names: Names
    bound: Mapping[str, Value]

    def binding(self, names: tuple[str, ...], values: tuple[Value, ...]) -> "Context":
        return Context(self.file, self.names, {**self.bound, **dict(zip(names, values, strict=False))})

    def place(self, expression: tree.Expression) -> Place:
        return Place(self.file, expression.line)


def evaluate(expression: tree.Expression, context: Context) -> Value:
    """Raises EvaluationError."""
    if isinstance(expression, tree.Literal):
        return expression.value
    place = context.place(expression)
    match expression:
        case tree.Text(parts):
            return "".join(shown(plain(evaluate(part, context), place)) for part in parts)
        case tree.Name(name):
            return context.bound[name] if name in context.bound else context.names.value_of(name, place)
        case tree.Member():
            return _end_of_chain(expression, context)[0]
        case tree.Call(name, arguments):
            return _call(name, [evaluate(one, context) for one in arguments], context, place)
        case tree.Operation(operator, operands):
            return _operation(operator, operands, context, place)
        case tree.Choice(condition, then, otherwise):
            return evaluate(then if is_true(condition, context) else otherwise, context)
        case tree.Lambda(names, body):
            return lambda *values: evaluate(body, context.binding(names, values))
        case tree.Object(entries):
            return {
                shown(evaluate(key, context)): plain(evaluate(value, context), place)
                for key, value in entries
            }
        case tree.List(items):
            return [plain(evaluate(item, context), place) for item in items]
        case tree.Loop(names, _, body):
            return [evaluate(body, context.binding(names, item)) for item in loop_items(expression, context)]
        case tree.If():
            raise EvaluationError(place, "only a resource or a module can have a condition")


def is_true(condition: tree.Expression, context: Context) -> bool:
    value = evaluate(condition, context)
    if not isinstance(value, bool):
        raise EvaluationError(context.place(condition), f"{shown(value)!r} is neither true nor false")
    return value


def loop_items(loop: tree.Loop, context: Context) -> list[tuple[Value, int]]:
    """Each item with its index."""
    items = evaluate(loop.over, context)
    if not isinstance(items, list):
        raise EvaluationError(context.place(loop.over), "a loop needs a list")
    return [(item, index) for index, item in enumerate(items)]


def plain(value: Value, place: Place) -> Value:
    """The value itself. Raises EvaluationError for what has no text and no JSON."""
    if isinstance(value, Reference) or callable(value):
        raise EvaluationError(place, "a resource, a module or a lambda is no value; name one of its members")
    return value


def _end_of_chain(expression: tree.Expression, context: Context) -> tuple[Value, bool]:
    """The value, and whether the chain of members is over: after a null of ``.?`` the rest of it is not read."""
    if not isinstance(expression, tree.Member):
        return evaluate(expression, context), False
    of, is_over = _end_of_chain(expression.of, context)
    if is_over:
        return None, True
    value = _member(of, evaluate(expression.key, context), expression.safe, context.place(expression))
    return value, expression.safe and value is None


def _member(of: Value, key: Value, safe: bool, place: Place) -> Value:
    if isinstance(of, Unknown | Reference):
        return of.at(key)
    if isinstance(of, dict):
        if key in of or safe:
            return of.get(key)
        raise EvaluationError(place, f"the object has no {key}, only {', '.join(of) or 'nothing'}")
    if isinstance(of, list) and isinstance(key, int):
        if 0 <= key < len(of) or safe:
            return of[key] if 0 <= key < len(of) else None
        raise EvaluationError(place, f"the list has no item {key}, it has {len(of)}")
    if of is None and safe:
        return None
    raise EvaluationError(place, f"{shown(of)!r} has no {key}")


def _call(name: str, arguments: list[Value], context: Context, place: Place) -> Value:
    function = context.names.function(name) or FUNCTIONS.get(name)
    if function is None:
        raise EvaluationError(place, f"infra/check/evaluation/functions.py does not know the function {name}")
    try:
        return function(*arguments)
    except (WrongArgument, TypeError, AttributeError, ValueError) as error:
        raise EvaluationError(place, f"{name}: {error}") from error


def _operation(operator: str, operands: tuple[tree.Expression, ...], context: Context, place: Place) -> Value:
    if operator in ("&&", "||"):
        return (any if operator == "||" else all)(is_true(one, context) for one in operands)
    values = [evaluate(operands[0], context)]
    if operator == "??" and values[0] is not None:
        return values[0]
    values.extend(evaluate(one, context) for one in operands[1:])
    if operator == "??":
        return values[1]
    known = _OPERATORS.get((operator, len(values)))
    if known is None:
        raise EvaluationError(
            place, f"infra/check/evaluation/expressions.py does not know the operator {operator}"
        )
    wanted_type, compute = known
    for operand, value in zip(operands, values, strict=True):
        if type(value) is not wanted_type and wanted_type is not object:
            raise EvaluationError(
                context.place(operand),
                f"{operator} needs values of type {wanted_type.__name__}, not {shown(value)!r}",
            )
    try:
        return compute(*values)
    except WrongArgument as error:
        raise EvaluationError(place, str(error)) from error


def _are_equal(left: Value, right: Value) -> bool:
    if (isinstance(left, Unknown) or isinstance(right, Unknown)) and left != right:
        raise WrongArgument(f"only Azure knows whether {shown(left)!r} is {shown(right)!r}")
    # In Python 1 == True.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


_OPERATORS: Mapping[tuple[str, int], tuple[type, Callable[..., Value]]] = {
    ("!", 1): (bool, lambda value: not value),
    ("-", 1): (int, lambda value: -value),
    ("==", 2): (object, _are_equal),
    ("!=", 2): (object, lambda left, right: not _are_equal(left, right)),
    ("<", 2): (int, lambda left, right: left < right),
    ("<=", 2): (int, lambda left, right: left <= right),
    (">", 2): (int, lambda left, right: left > right),
    (">=", 2): (int, lambda left, right: left >= right),
    ("+", 2): (int, lambda left, right: left + right),
    ("-", 2): (int, lambda left, right: left - right),
    ("*", 2): (int, lambda left, right: left * right),
}
