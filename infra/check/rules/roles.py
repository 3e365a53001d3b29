"""Role assignments: known built-in roles under their own names, each on the type of resource in roles.json."""

import json
import re
from functools import lru_cache
from pathlib import Path

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, line, literal, text, walk
from infra.check.findings import Finding, Findings

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_DEFINITION = "Microsoft.Authorization/roleDefinitions"
_PROGRAMS = {"04b07795-8ddb-461a-bbee-02f9e1bf7b46": "azureCli"}
"""Client ids, which are the same in each tenant: the only ids of the templates besides roles."""


@lru_cache(maxsize=1)
def _roles() -> dict[str, dict[str, str]]:
    """Built-in roles by id, from Azure's role catalogue: name, and the type of resource on which we grant it."""
    result: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("roles.json").read_text())
    return result


def check_roles(template: Template) -> Findings:
    for declared in template.of_kind("var"):
        yield from _role_id(template, declared)
    for node in walk(template.root):
        if node.type == "string_content" and _GUID.search(text(node)) and not _is_named_role(node):
            yield Finding(template.path, line(node), f"{text(node)}: an id must have a name, as a variable")
    for declared in template.of_kind("resource"):
        if declared.resource_type == _ASSIGNMENT:
            yield from _assignment(template, declared)
        elif declared.resource_type == _DEFINITION:
            yield from _definition(template, declared)


def _is_named_role(node: Node) -> bool:
    return (
        node.parent is not None
        and node.parent.parent is not None
        and (node.parent.parent.type == "variable_declaration")
    )


def _role_id(template: Template, declared: Declaration) -> Findings:
    value = literal(declared.value)
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        return
    names = {**{role: about["name"] for role, about in _roles().items()}, **_PROGRAMS}
    known = names.get(value.lower())
    if known is None:
        yield Finding(template.path, line(declared.node), f"{value} is not a role in roles.json")
    elif known != declared.name:
        yield Finding(template.path, line(declared.node), f"{value} is {known}, not {declared.name}")


def _assignment(template: Template, declared: Declaration) -> Findings:
    def finding(message: str, node: Node | None = None) -> Finding:
        return Finding(
            template.path, line(node or declared.node), f"role assignment {declared.name}: {message}"
        )

    name = declared.at("name")
    role_id = declared.at("properties", "roleDefinitionId")
    principal = declared.at("properties", "principalId")
    if name is None or role_id is None or principal is None:
        return
    if literal(declared.at("properties", "principalType")) != "ServicePrincipal":
        yield finding("principalType must be 'ServicePrincipal'; otherwise a new identity may not be found")
    if literal(declared.at("properties", "description")) is None:
        yield finding("description must state the reason")
    if not text(name).startswith("guid("):
        yield finding("name must be guid(scope, principal, role); otherwise a second deployment fails", name)
        return
    scope = declared.at("scope")
    if scope is None or scope.type != "identifier":
        yield finding("scope must be one resource")
        return
    parts = {text(node) for node in walk(name) if node.type == "identifier"}
    for wanted in (text(scope), text(principal)):
        if wanted not in parts:
            yield finding(f"name must contain {wanted}", name)
    yield from _granted(template, finding_at=declared, role_id=role_id, scope=text(scope), name_parts=parts)


def _granted(
    template: Template, *, finding_at: Declaration, role_id: Node, scope: str, name_parts: set[str]
) -> Findings:
    target = template.declarations.get(scope)
    scope_type = target.resource_type if target else ""
    for possible in template.possible(role_id):
        if text(possible).endswith(".id"):
            continue
        call = [literal(template.resolved(one)) for one in possible.named_children[-1].named_children]
        role = _roles().get(str(call[-1]).lower()) if call[:1] == [_DEFINITION] else None
        where = f"role assignment {finding_at.name}"
        if role is None:
            yield Finding(
                template.path, line(possible), f"{where}: {text(possible)} is not a role in roles.json"
            )
        elif role["scope"] != scope_type:
            yield Finding(
                template.path,
                line(possible),
                f"{where}: {role['name']} is for {role['scope']}, not for {scope_type or scope}",
            )
        elif role["name"] not in name_parts:
            yield Finding(template.path, line(possible), f"{where}: its name does not contain {role['name']}")


def _definition(template: Template, declared: Declaration) -> Findings:
    for node in walk(declared.node):
        if node.type == "string_content" and "*" in text(node):
            yield Finding(template.path, line(node), "a custom role must name each action, without *")
