"""What Bicep must know before a deployment starts: names, locations, scopes, conditions (error BCP120)."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, line, text, walk
from infra.check.findings import Finding, Findings

_KNOWN_AT_START = {"id", "name", "type", "apiVersion"}
"""Properties of each resource that are known before the deployment. A module has none."""

_MEMBER = re.compile(r"!?\.(\w+)")
_MAY_COME_LATER = {"resource": {"properties", "parent", "dependsOn"}, "module": {"params", "dependsOn"}}


def check_constants(template: Template) -> Findings:
    for declared in [*template.of_kind("resource"), *template.of_kind("module")]:
        for place, value in _constants(declared):
            for used, member in _read_later(template, value, frozenset()):
                yield Finding(
                    template.path,
                    line(value),
                    f"{declared.name}: {place} must be known before the deployment starts,"
                    f" and {used}.{member} is not",
                )


def _constants(declared: Declaration) -> Iterator[tuple[str, Node]]:
    for name, (_, value) in declared.properties.items():
        if name not in _MAY_COME_LATER[declared.kind]:
            yield name, value
    node = declared.value
    while node is not None and node.type in ("if_statement", "for_statement"):
        place = "the condition" if node.type == "if_statement" else "the list of the loop"
        yield from ((place, child) for child in node.named_children[:-1])
        node = node.named_children[-1]


def _read_later(template: Template, node: Node, seen: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Each resource or module of which the expression, also through variables, reads a member; and that member."""
    for one in walk(node):
        declared = template.declarations.get(text(one)) if one.type == "identifier" else None
        if declared is None or declared.name in seen:
            continue
        if declared.kind == "var" and declared.value is not None:
            yield from _read_later(template, declared.value, seen | {declared.name})
        elif declared.kind in ("resource", "module"):
            # From the text: the grammar attaches the member behind ``!.`` to the whole expression.
            member = _MEMBER.match(text(template.root), one.end_byte - template.root.start_byte)
            if member and not (declared.kind == "resource" and member[1] in _KNOWN_AT_START):
                yield declared.name, member[1]
