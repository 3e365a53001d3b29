"""Each name that an expression uses is declared, each declared name is used, and modules fit their files."""

from tree_sitter import Node

from infra.check.bicep import TYPE_OF_NODE, Declaration, Template, fields, line, literal, text, walk
from infra.check.findings import Finding, Findings, listed
from infra.check.language.schema import Shape
from infra.check.project import Project

_NAMESPACES = {"az", "sys"}
_FUNCTIONS = {
    "any",
    "array",
    "base64",
    "bool",
    "concat",
    "contains",
    "deployer",
    "deployment",
    "empty",
    "endsWith",
    "environment",
    "filter",
    "first",
    "flatten",
    "format",
    "guid",
    "indexOf",
    "int",
    "items",
    "join",
    "json",
    "last",
    "length",
    "loadJsonContent",
    "loadTextContent",
    "loadYamlContent",
    "map",
    "max",
    "min",
    "range",
    "reduce",
    "replace",
    "resourceGroup",
    "resourceId",
    "skip",
    "sort",
    "split",
    "startsWith",
    "string",
    "subscription",
    "subscriptionResourceId",
    "substring",
    "take",
    "tenant",
    "toLower",
    "toObject",
    "toUpper",
    "trim",
    "union",
    "uniqueString",
    "uri",
    "uriComponent",
}


def check_names(project: Project, template: Template) -> Findings:
    used: set[str] = set()
    for declared in [*template.declarations.values(), *template.outputs.values()]:
        if declared.value is not None:
            yield from _expression(project, template, declared.value, frozenset(), used)
    for declared in [*template.of_kind("param"), *template.of_kind("var")]:
        if declared.name not in used:
            yield Finding(
                template.path, line(declared.node), f"{declared.kind} {declared.name} is never used"
            )
    for module in template.of_kind("module"):
        yield from _module(project, template, module)


def _expression(
    project: Project, template: Template, node: Node, bound: frozenset[str], used: set[str]
) -> Findings:
    if node.type == "identifier":
        name = text(node)
        used.add(name)
        if name not in template.declarations and name not in bound and name not in _NAMESPACES:
            yield Finding(template.path, line(node), f"{name} is not declared")
        return
    children = list(node.named_children)
    if node.type == "object_property" and len(children) == 2 and children[0].type == "identifier":
        children = children[1:]
    elif node.type == "call_expression":
        if children[0].type == "identifier":
            if text(children[0]) not in _FUNCTIONS:
                yield Finding(template.path, line(node), f"{text(children[0])} is not a known function")
            children = children[1:]
        bound |= _lambda_names(node)
    elif node.type == "for_statement":
        bound |= _loop_names(node)
        children = [child for child in children if child.type != "for_loop_parameters"]
        if children[0].type == "identifier" and text(children[0]) in bound:
            children = children[1:]
    elif node.type == "lambda_expression":
        children = children[1:]
    elif node.type == "member_expression":
        yield from _members(project, template, node)
    for child in children:
        yield from _expression(project, template, child, bound, used)


def _loop_names(node: Node) -> frozenset[str]:
    first = node.named_children[0]
    if first.type == "for_loop_parameters":
        return frozenset(text(child) for child in first.named_children)
    return frozenset([text(first)])


def _lambda_names(call: Node) -> frozenset[str]:
    """Of all lambdas in the call: the grammar puts the ``.x`` at the end of a lambda outside of the lambda."""
    lambdas = (node for node in walk(call) if node.type == "lambda_expression")
    return frozenset(
        text(name) for one in lambdas for name in walk(one.named_children[0]) if name.type == "identifier"
    )


def _members(project: Project, template: Template, node: Node) -> Findings:
    """Compares ``a.b.c`` with the outputs of a module, the schema of a resource or the keys of a variable."""
    path: list[Node] = []
    base = node
    while base.type == "member_expression":
        path.insert(0, base.named_children[-1])
        base = base.named_children[0]
    if node.parent is not None and node.parent.type == "member_expression":
        return
    declared = template.declarations.get(text(base)) if base.type == "identifier" else None
    if declared is None or not path:
        return
    if declared.kind == "module" and text(path[0]) == "outputs" and len(path) > 1:
        target = project.templates.get(project.module_file(template, declared.type_text))
        if target is not None and text(path[1]) not in target.outputs:
            yield Finding(
                template.path, line(path[1]), f"module {declared.name} has no output {text(path[1])}"
            )
    elif declared.kind == "resource":
        yield from _resource_members(template, declared, path)
    elif (value := declared.value) is not None and declared.kind == "var" and value.type == "object":
        known = fields(value)
        if text(path[0]) not in known:
            yield Finding(template.path, line(path[0]), f"{declared.name} has no property {text(path[0])}")


def _resource_members(template: Template, declared: Declaration, path: list[Node]) -> Findings:
    shape = Shape.of(declared.resource_type)
    for step in path:
        if shape is None:
            return
        expression = shape.type_of(text(step))
        if expression is None:
            yield Finding(template.path, line(step), f"{declared.type_text} has no property {text(step)}")
            return
        shape = shape.named(expression)


def _module(project: Project, template: Template, module: Declaration) -> Findings:
    path = project.module_file(template, module.type_text)
    target = project.templates.get(path)
    if target is None:
        yield Finding(
            template.path, line(module.node), f"module {module.name}: the file {path} does not exist"
        )
        return
    if target.target_scope != template.target_scope and "scope" not in module.properties:
        yield Finding(
            template.path,
            line(module.node),
            f"module {module.name} needs a scope: {path} is for a {target.target_scope}",
        )
    given = fields(found) if (found := module.at("params")) is not None else {}
    wanted = {one.name: one for one in target.of_kind("param")}
    for name, (key, value) in given.items():
        if name not in wanted:
            yield Finding(template.path, line(key), f"module {module.name}: {path} has no parameter {name}")
            continue
        for possible in template.possible(value):
            yield from _argument(template, module, wanted[name], possible)
    missing = {name for name, one in wanted.items() if one.value is None} - given.keys()
    if missing:
        yield Finding(
            template.path, line(module.node), f"module {module.name}: parameter {listed(missing)} is missing"
        )


def _argument(template: Template, module: Declaration, wanted: Declaration, value: Node) -> Findings:
    found_type = TYPE_OF_NODE.get(value.type)
    if value.type == "identifier" and (passed := template.declarations.get(text(value))) is not None:
        found_type = passed.type_text if passed.kind == "param" else None
    if found_type and found_type != wanted.type_text:
        yield Finding(
            template.path,
            line(value),
            f"module {module.name}: parameter {wanted.name} must be of type {wanted.type_text}, not {found_type}",
        )
    allowed = wanted.decorators.get("allowed")
    choice = literal(value)
    if allowed is not None and choice is not None:
        options = [str(literal(item)) for item in allowed.named_children]
        if str(choice) not in options:
            yield Finding(
                template.path,
                line(value),
                f"module {module.name}: {wanted.name} cannot be {choice!r}, only {listed(options)}",
            )
