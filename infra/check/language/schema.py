"""The table of resource types, and the comparison of resources with it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tree_sitter import Node

from infra.check.bicep import TYPE_OF_NODE, Declaration, Template, fields, line, literal, text
from infra.check.findings import Finding, Findings, listed

TABLE = Path(__file__).with_name("bicep_schema.json")
_KEYWORDS = frozenset(["parent", "scope", "dependsOn"])
_ARRAY = re.compile(r"\[\]$")
_STRING_FUNCTIONS = {
    "concat",
    "format",
    "guid",
    "join",
    "last",
    "replace",
    "string",
    "subscriptionResourceId",
    "substring",
    "take",
    "toLower",
    "toUpper",
    "uniqueString",
}


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    result: dict[str, Any] = json.loads(TABLE.read_text())
    return result


@dataclass(frozen=True)
class Shape:
    """A definition of one resource type."""

    definitions: dict[str, Any]
    definition: dict[str, Any]

    @classmethod
    def of(cls, resource_type: str) -> "Shape | None":
        entry = table().get(resource_type)
        return cls(entry["definitions"], entry["definitions"]["body"]) if entry else None

    def chosen(self, template: Template, node: Node) -> "Shape | None":
        """This shape, or the branch that the discriminator of the object selects; None if that is not a literal."""
        discriminator = self.definition.get("discriminator")
        if discriminator is None:
            return self
        found = fields(node).get(discriminator)
        value = literal(template.resolved(found[1])) if found else None
        branch = self.definition["branches"].get(value)
        if branch is None:
            return None
        base = self.definition["base"]
        merged = {
            "properties": base["properties"] | branch["properties"],
            "required": base.get("required", []) + branch.get("required", []),
            "readOnly": base.get("readOnly", []) + branch.get("readOnly", []),
        }
        return Shape(
            self.definitions, merged | {key: branch[key] for key in ("additional",) if key in branch}
        )

    def type_of(self, name: str) -> str | None:
        """The type of a property, also of a read-only one; None if there is no property of that name."""
        if "discriminator" in self.definition:
            branches = [self.definition["base"], *self.definition["branches"].values()]
            return next((one["properties"][name] for one in branches if name in one["properties"]), None)
        found: str | None = self.definition["properties"].get(name, self.definition.get("additional"))
        return found

    def named(self, name: str) -> "Shape | None":
        return Shape(self.definitions, self.definitions[name]) if name in self.definitions else None


def check_resource(template: Template, declared: Declaration) -> Findings:
    resource_type, _, version = declared.type_text.partition("@")
    entry = table().get(resource_type)
    if entry is None:
        yield Finding(
            template.path,
            line(declared.node),
            f"{resource_type}: no schema is known; add it to infra/check/language/make_bicep_schema.py or by hand",
        )
        return
    if version != entry["version"]:
        yield Finding(
            template.path,
            line(declared.node),
            f"{resource_type}: API version {version or '(none)'} is not the known one, {entry['version']}",
        )
    if declared.is_existing or declared.body is None:
        return
    if template.target_scope == "subscription" and entry["scopes"] == "ResourceGroup":
        yield Finding(
            template.path, line(declared.node), f"{resource_type} cannot be deployed to a subscription"
        )
    shape = Shape.of(resource_type)
    assert shape is not None
    yield from _object(template, declared.body, shape, resource_type, _KEYWORDS)


def _object(
    template: Template, node: Node, shape: Shape, where: str, keywords: frozenset[str] = frozenset()
) -> Findings:
    discriminator = shape.definition.get("discriminator")
    chosen = shape.chosen(template, node)
    if chosen is None:
        allowed = listed(shape.definition["branches"])
        yield Finding(template.path, line(node), f"{where}: {discriminator} must be one of {allowed}")
        return
    present = fields(node)
    properties = chosen.definition["properties"]
    read_only = chosen.definition.get("readOnly", [])
    for name, (key, value) in present.items():
        expression = properties.get(name, chosen.definition.get("additional"))
        if name in read_only:
            yield Finding(template.path, line(key), f"{where}: property {name} is read-only")
        elif expression is not None:
            yield from _value(template, value, expression, chosen, f"{where}.{name}")
        elif name not in keywords:
            yield Finding(template.path, line(key), f"{where}: there is no property {name}")
    for name in chosen.definition.get("required", []):
        if name not in present:
            yield Finding(template.path, line(node), f"{where}: required property {name} is missing")


def _value(template: Template, node: Node, expression: str, shape: Shape, where: str) -> Findings:
    for value in template.possible(node):
        if value.type == "for_statement":
            value = value.named_children[-1]
            expression = _ARRAY.sub("", expression)
        if expression == "any" or value.type == "null":
            continue
        if value.type == "call_expression" and text(value.named_children[0]) == "union":
            for argument in value.named_children[1].named_children:
                yield from _value(template, argument, expression, shape, where)
            continue
        yield from _single_value(template, value, expression, shape, where)


def _single_value(template: Template, value: Node, expression: str, shape: Shape, where: str) -> Findings:
    found = _type(template, value)
    element = _ARRAY.sub("", expression) if " | " not in expression else expression
    nested = shape.named(expression)
    if found is None:
        return
    if element != expression:
        if found != "array":
            yield Finding(template.path, line(value), f"{where} must be an array")
        elif value.type == "array":
            for item in value.named_children:
                yield from _value(template, item, element, shape, where)
    elif nested is not None:
        if value.type == "object":
            yield from _object(template, value, nested, where)
        elif found != "object":
            yield Finding(template.path, line(value), f"{where} must be an object")
    elif found != (wanted := expression if expression in ("string", "int", "bool") else "string"):
        yield Finding(template.path, line(value), f"{where} must be of type {wanted}, not {found}")
    elif expression not in ("string", "int", "bool"):
        allowed = [option for option in expression.split(" | ") if option != "string"]
        for choice in _choices(template, value):
            if choice not in allowed:
                yield Finding(
                    template.path, line(value), f"{where}: {choice!r} is not one of {listed(allowed)}"
                )


def _type(template: Template, value: Node) -> str | None:
    if value.type == "identifier":
        declared = template.declarations.get(text(value))
        return declared.type_text if declared and declared.kind == "param" else None
    if value.type == "call_expression" and text(value.named_children[0]) in _STRING_FUNCTIONS:
        return "string"
    return TYPE_OF_NODE.get(value.type)


def _choices(template: Template, value: Node) -> Iterator[object]:
    """The literals that ``value`` can be, as far as the template shows them."""
    found = literal(value)
    if found is not None:
        yield found
    if value.type == "identifier" and (declared := template.declarations.get(text(value))):
        allowed = declared.decorators.get("allowed")
        yield from (literal(item) for item in allowed.named_children) if allowed is not None else ()
