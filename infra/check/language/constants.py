"""What Bicep must know before a deployment starts: names, locations, scopes, conditions (its error BCP120)."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, line, text, walk
from infra.check.findings import Finding, Findings

_KNOWN_AT_START = {"id", "name", "type", "apiVersion"}
"""Properties that any resource has before it is deployed, or read. A module has none."""

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
        place = "its condition" if node.type == "if_statement" else "what it loops over"
        yield from ((place, child) for child in node.named_children[:-1])
        node = node.named_children[-1]


def _read_later(template: Template, node: Node, seen: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Resource or module, and the member of it that is read, through variables."""
    for one in walk(node):
        declared = template.declarations.get(text(one)) if one.type == "identifier" else None
        if declared is None or declared.name in seen:
            continue
        if declared.kind == "var" and declared.value is not None:
            yield from _read_later(template, declared.value, seen | {declared.name})
        elif declared.kind in ("resource", "module"):
            # In the text, because the grammar takes what follows a ``!.`` for a member of the whole expression.
            member = _MEMBER.match(text(template.root), one.end_byte - template.root.start_byte)
            if member and not (declared.kind == "resource" and member[1] in _KNOWN_AT_START):
                yield declared.name, member[1]
