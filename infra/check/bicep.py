"""Bicep files as parsed by tree-sitter: declarations by name, objects by key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

TYPE_OF_NODE = {"string": "string", "number": "int", "boolean": "bool", "array": "array", "object": "object"}
"""The Bicep type of a literal, by the kind of its node."""


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bicep.language()))


def text(node: Node) -> str:
    return (node.text or b"").decode()


def line(node: Node) -> int:
    return node.start_point.row + 1


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def literal(node: Node | None) -> str | int | bool | None:
    """The value of a literal; None for anything else, such as an interpolated string or ``null``."""
    if node is None:
        return None
    if node.type == "string" and not any(child.type == "interpolation" for child in node.children):
        parts = (child for child in node.children if child.is_named)
        return "".join(
            text(part).removeprefix("\\") if part.type == "escape_sequence" else text(part) for part in parts
        )
    if node.type == "number":
        return int(text(node))
    if node.type == "boolean":
        return text(node) == "true"
    return None


def fields(node: Node) -> dict[str, tuple[Node, Node]]:
    """Key and value of each property of an object, by the name of the key; without computed keys."""
    result = {}
    for entry in node.named_children:
        if entry.type != "object_property" or len(entry.named_children) != 2:
            continue
        key, value = entry.named_children
        name = text(key) if key.type == "identifier" else literal(key)
        if isinstance(name, str):
            result[name] = (key, value)
    return result


@dataclass(frozen=True)
class Declaration:
    """A ``param``, ``var``, ``resource``, ``module`` or ``output``. ``value`` is None for a param without default."""

    kind: str
    name: str
    node: Node
    value: Node | None
    decorators: Mapping[str, Node | None]
    """Name and first argument of each."""

    @cached_property
    def type_text(self) -> str:
        """The declared type of a param or output; the quoted type or path of a resource or module."""
        if self.kind in ("resource", "module"):
            return str(literal(next(child for child in self.node.children if child.type == "string")))
        return next((text(child) for child in self.node.children if child.type == "type"), "any")

    @property
    def resource_type(self) -> str:
        """Of a resource, without the API version."""
        return self.type_text.partition("@")[0]

    @cached_property
    def is_existing(self) -> bool:
        return any(child.type == "existing" for child in self.node.children)

    @cached_property
    def body(self) -> Node | None:
        """The object of a resource or module, without its ``if`` and ``for``."""
        node = self.value
        while node is not None and node.type in ("if_statement", "for_statement"):
            node = node.named_children[-1]
        return node if node is not None and node.type == "object" else None

    @cached_property
    def properties(self) -> dict[str, tuple[Node, Node]]:
        return fields(self.body) if self.body is not None else {}

    def at(self, *path: str) -> Node | None:
        """The value at ``path`` in the body."""
        node = self.body
        for name in path:
            node = (
                fields(node).get(name, (None, None))[1]
                if node is not None and node.type == "object"
                else None
            )
        return node


@dataclass(frozen=True)
class Template:
    path: Path
    """Relative to the project."""

    root: Node
    target_scope: str
    declarations: dict[str, Declaration] = field(default_factory=dict)
    outputs: dict[str, Declaration] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[Declaration]:
        return [one for one in self.declarations.values() if one.kind == kind]

    def resources(self, resource_type: str) -> list[Declaration]:
        return [one for one in self.of_kind("resource") if one.resource_type == resource_type]

    def resolved(self, node: Node | None) -> Node | None:
        """The value of the variable that ``node`` names; any other node unchanged."""
        seen: set[str] = set()
        while node is not None and node.type == "identifier" and text(node) not in seen:
            seen.add(text(node))
            declared = self.declarations.get(text(node))
            if declared is None or declared.kind != "var":
                break
            node = declared.value
        return node

    def written(self, node: Node | None) -> str | None:
        """The text of a string, with those of the variables that it names; None if another expression is in it."""
        node = self.resolved(node)
        if node is None or node.type != "string":
            return None
        parts: list[str | None] = []
        for part in (child for child in node.children if child.is_named):
            if part.type == "interpolation":
                parts.append(self.written(part.named_children[0]))
            else:
                parts.append(text(part).removeprefix("\\") if part.type == "escape_sequence" else text(part))
        known = [part for part in parts if part is not None]
        return "".join(known) if len(known) == len(parts) else None

    def possible(self, node: Node | None) -> Iterator[Node]:
        """The values that an expression can have: both branches of a choice, the value of a variable."""
        node = self.resolved(node)
        if node is None:
            return
        if node.type == "ternary_expression":
            for branch in node.named_children[1:]:
                yield from self.possible(branch)
        elif node.type == "parenthesized_expression":
            yield from self.possible(node.named_children[0])
        else:
            yield node


_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}


@cache
def parse(path: Path, source: bytes) -> Template:
    root = _parser().parse(source).root_node
    scope = "resourceGroup"
    declarations: dict[str, Declaration] = {}
    outputs: dict[str, Declaration] = {}
    decorators: dict[str, Node | None] = {}
    for node in root.named_children:
        if node.type == "decorators":
            decorators = dict(_decorator(one) for one in node.named_children)
        elif node.type == "target_scope_assignment":
            scope = str(literal(node.named_children[-1]))
        elif node.type in _KINDS:
            kind = _KINDS[node.type]
            name = next(text(child) for child in node.named_children if child.type == "identifier")
            declared = Declaration(kind, name, node, _value(node), decorators)
            (outputs if kind == "output" else declarations)[name] = declared
            decorators = {}
    return Template(path, root, scope, declarations, outputs)


def _value(node: Node) -> Node | None:
    children = node.children
    for index, child in enumerate(children):
        if child.type == "=" and index + 1 < len(children):
            return children[index + 1]
    return None


def _decorator(node: Node) -> tuple[str, Node | None]:
    call = node.named_children[0]
    arguments = call.named_children[-1].named_children
    return text(call.named_children[0]), arguments[0] if arguments else None


def broken(template: Template) -> list[Node]:
    """The nodes at which the file is not Bicep."""
    if not template.root.has_error:
        return []
    return [node for node in walk(template.root) if node.type == "ERROR" or node.is_missing]
