"""Expressions as small trees, read from the leaves of the parsed file.

The grammar gives the leaves in the right order, but not always the right tree. In ``filter(rules, rule => rule.start
!= 'x')`` it puts ``.start`` and the comparison outside of the lambda. In ``a ? b : c!.d`` it reads ``.d`` of the
whole choice, and in ``[f(a)]`` it finds two items. So operators, members, calls, lists and lambdas are arranged here,
by Bicep's own precedence. Texts, objects and loops have the right tree.
"""

import re
from collections.abc import Callable
from functools import cache

from tree_sitter import Node

from infra.check.bicep import line, text
from infra.check.evaluation.tree import (
    Call,
    Choice,
    Expression,
    If,
    Lambda,
    List,
    Literal,
    Loop,
    Member,
    Name,
    Object,
    Operation,
    Text,
)


class UnknownSyntax(Exception):
    """``node`` is where the expression is no longer understood."""

    def __init__(self, node: Node) -> None:
        super().__init__(text(node))
        self.node = node


_WHOLE = {"string", "number", "boolean", "null", "object", "for_statement", "if_statement"}
"""Nodes whose own tree is right."""

_BINARY = [
    ["??"],
    ["||"],
    ["&&"],
    ["==", "!=", "=~", "!~"],
    ["<", "<=", ">", ">="],
    ["+", "-"],
    ["*", "/", "%"],
]
"""From the weakest to the strongest."""

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|(.))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@cache
def read(*nodes: Node) -> Expression:
    """One expression, of which the grammar may have made several nodes. Raises UnknownSyntax."""
    reader = _Reader([leaf for node in nodes for leaf in _leaves(node)])
    expression = reader.expression()
    if not reader.at_end():
        raise UnknownSyntax(reader.node())
    return expression


def _leaves(node: Node) -> list[Node]:
    if node.type in _WHOLE or not node.children:
        return [] if "comment" in node.type else [node]
    return [leaf for child in node.children for leaf in _leaves(child)]


class _Reader:
    def __init__(self, leaves: list[Node]) -> None:
        self._leaves = leaves
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._leaves)

    def node(self) -> Node:
        return self._leaves[min(self._at, len(self._leaves) - 1)]

    def expression(self) -> Expression:
        start = line(self.node())
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        then = self.expression()
        self._need(":")
        return Choice(condition, then, self.expression(), start)

    def _binary(self, level: int) -> Expression:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while (operator := self._next()) in _BINARY[level] and (operator != "-" or self._goes_on("-")):
            start = line(self.node())
            self._at += 1
            left = Operation(operator, (left, self._binary(level + 1)), start)
        return left

    def _unary(self) -> Expression:
        start = line(self.node())
        for operator in ("!", "-"):
            if self._take(operator):
                return Operation(operator, (self._unary(),), start)
        return self._members(self._primary())

    def _members(self, of: Expression) -> Expression:
        while True:
            start = line(self.node())
            if self._take("."):
                name = self._name()
                if self._goes_on("(") and isinstance(of, Name):  # a namespace: az.resourceGroup()
                    of = Call(name, self._arguments(), start)
                else:
                    of = Member(of, Literal(name, start), False, start)
            elif self._take(".?"):
                of = Member(of, Literal(self._name(), start), True, start)
            elif self._goes_on("["):
                self._need("[")
                safe = self._take("?")
                of = Member(of, self.expression(), safe, start)
                self._need("]")
            elif self._goes_on("!"):
                self._need("!")
            else:
                return of

    def _primary(self) -> Expression:
        node = self.node()
        if names := self._lambda_names():
            return Lambda(names, self.expression(), line(node))
        if self._take("("):
            inner = self.expression()
            self._need(")")
            return inner
        if self._take("["):
            return List(self._until("]"), line(node))
        if node.type in _ATOMS and not self.at_end():
            self._at += 1
            return _ATOMS[node.type](node)
        name = self._name()
        return Call(name, self._arguments(), line(node)) if self._goes_on("(") else Name(name, line(node))

    def _lambda_names(self) -> tuple[str, ...]:
        """The names before ``=>``, which is then taken; none if here is no lambda."""
        ahead = [text(leaf) for leaf in self._leaves[self._at :]]
        if "=>" not in ahead:
            return ()
        before = ahead[: ahead.index("=>")]
        names = before[1:-1:2] if before[:1] == ["("] else before[:1]
        if before not in (names, ["(", *" , ".join(names).split(), ")"]):
            return ()
        self._at += len(before) + 1
        return tuple(names)

    def _arguments(self) -> tuple[Expression, ...]:
        self._need("(")
        return self._until(")")

    def _until(self, end: str) -> tuple[Expression, ...]:
        """Arguments, or the items of a list, which may have lines between them in place of commas."""
        found: list[Expression] = []
        while not self._take(end):
            found.append(self.expression())
            self._take(",")
        return tuple(found)

    def _name(self) -> str:
        if self.at_end() or not text(self.node()).isidentifier():
            raise UnknownSyntax(self.node())
        self._at += 1
        return text(self._leaves[self._at - 1])

    def _next(self) -> str:
        """The text of the next leaf if it is a sign; empty for others, and at the end."""
        return "" if self.at_end() or self.node().type in _WHOLE else text(self.node())

    def _goes_on(self, sign: str) -> bool:
        """Whether the sign continues the expression before it. On a new line it begins the next item of a list."""
        before = self._leaves[self._at - 1]
        return self._next() == sign and before.end_point.row == self.node().start_point.row

    def _take(self, sign: str) -> bool:
        found = self._next() == sign
        self._at += found
        return found

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise UnknownSyntax(self.node())


def _without_comments(node: Node) -> list[Node]:
    return [child for child in node.named_children if "comment" not in child.type]


def _text(node: Node) -> Expression:
    quotes = 3 if text(node).startswith("'''") else 1
    source, offset = node.text or b"", node.start_byte
    parts: list[Expression] = []
    end = quotes
    # From the source: the nodes of a text do not hold all of its escape sequences.
    for part in (child for child in node.named_children if child.type == "interpolation"):
        parts.append(Literal(_unescaped(source[end : part.start_byte - offset], quotes), line(node)))
        parts.append(read(*part.named_children))
        end = part.end_byte - offset
    last = Literal(_unescaped(source[end : len(source) - quotes], quotes), line(node))
    return Text((*parts, last), line(node)) if parts else last


def _unescaped(source: bytes, quotes: int) -> str:
    """A text in three quotes has no escape sequences, and does not begin with its first end of line."""
    if quotes == 3:
        return source.decode().removeprefix("\n")
    return _ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2]),
        source.decode(),
    )


def _object(node: Node) -> Expression:
    entries: list[tuple[Expression, Expression]] = []
    for entry in _without_comments(node):
        if entry.type != "object_property":
            raise UnknownSyntax(entry)
        key, *value = _without_comments(entry)
        name = _text(key) if key.type == "string" else Literal(text(key), line(key))
        entries.append((name, read(*value)))
    return Object(tuple(entries), line(node))


def _loop(node: Node) -> Expression:
    names, over, body = _without_comments(node)
    variables = names.named_children if names.type == "for_loop_parameters" else [names]
    return Loop(tuple(text(one) for one in variables), read(over), read(body), line(node))


def _if(node: Node) -> Expression:
    condition, body = _without_comments(node)
    return If(read(condition), read(body), line(node))


_ATOMS: dict[str, Callable[[Node], Expression]] = {
    "string": _text,
    "number": lambda node: Literal(int(text(node)), line(node)),
    "boolean": lambda node: Literal(text(node) == "true", line(node)),
    "null": lambda node: Literal(None, line(node)),
    "object": _object,
    "for_statement": _loop,
    "if_statement": _if,
}
