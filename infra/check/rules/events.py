"""Event subscriptions: function and topic exist, the filters fit, and events that fail are kept."""

import re
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, fields, line, literal, text, walk
from infra.check.findings import Finding, Findings, listed
from infra.check.project import CONNECTIONS, MAIN, Project
from infra.check.rules.python_source import Source

_FUNCTION = re.compile(r"/functions/(\w+)$")
_TOPIC_OF_EVENT = {
    "Microsoft.Storage.": "Microsoft.Storage.StorageAccounts",
    "Microsoft.MachineLearningServices.": "Microsoft.MachineLearningServices.Workspaces",
}
_SUBSCRIPTION = "Microsoft.EventGrid/systemTopics/eventSubscriptions@"
_FINISHED_UPLOADS = "FINISHED_UPLOADS"
_HOOK = Path("infra/hooks/postdeploy.sh")
_RULES = Path("infra/new-data-rules.json")
_MAX_FILTER_VALUES = 25
"""For all advanced filters of a subscription together; from Event Grid's page on event filtering."""


def check_events(project: Project, source: Source) -> Findings:
    template = project.templates[CONNECTIONS]
    yield from _functions(template, source)
    for module in template.of_kind("module"):
        events = module.at("params", "eventTypes")
        if events is not None:
            yield from _event_types(project, template, module, events, source)
            yield from _upload_kinds(template, module, source)
    yield from _rules(project, source)
    yield from _containers(project)


def _functions(template: Template, source: Source) -> Findings:
    for node in walk(template.root):
        found = _FUNCTION.search(text(node)) if node.type == "string_content" else None
        if found and found[1] not in source.event_grid_functions:
            known = listed(source.event_grid_functions) or "none"
            yield Finding(
                template.path,
                line(node),
                f"the app has no function {found[1]} with an Event Grid trigger ({known})",
            )


def _event_types(
    project: Project, template: Template, module: Declaration, events: Node, source: Source
) -> Findings:
    topic_type = _topic_type(project, template, module)
    if topic_type is None:
        yield Finding(
            template.path,
            line(module.node),
            f"module {module.name}: its topic does not come from a module of main.bicep",
        )
    for item in events.named_children:
        event = str(literal(item))
        if event not in source.texts:
            yield Finding(
                template.path, line(item), f"the app's source does not contain the event type {event}"
            )
        sender = next((topic for start, topic in _TOPIC_OF_EVENT.items() if event.startswith(start)), None)
        if topic_type is not None and sender != topic_type:
            yield Finding(template.path, line(item), f"a topic of {topic_type} never sends {event}")


def _topic_type(project: Project, template: Template, module: Declaration) -> str | None:
    """Found through the parameter of this template, the variable of the hook, and output and module of main.bicep."""
    used = {text(node) for node in _reached(template, module.at("params", "topicName"))}
    parameter = next((name for name in used if name.endswith("TopicId")), None)
    passed = re.search(rf'^ *{parameter}="\$(\w+)"', project.read(_HOOK), re.MULTILINE)
    main = project.templates[MAIN]
    output = main.outputs.get(passed[1]) if passed else None
    if output is None:
        return None
    modules = (main.declarations.get(text(node)) for node in _reached(main, output.value))
    types = (one.at("params", "topicType") for one in modules if one is not None and one.kind == "module")
    found = next((literal(one) for one in types if one is not None), None)
    return found if isinstance(found, str) else None


def _reached(template: Template, node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    for one in walk(node):
        if one.type == "identifier":
            yield one
            declared = template.declarations.get(text(one))
            if declared is not None and declared.kind == "var":
                yield from _reached(template, declared.value)


def _upload_kinds(template: Template, module: Declaration, source: Source) -> Findings:
    """The filter lets through exactly the kinds of upload that the app accepts as finished."""
    filters = module.at("params", "filters")
    wanted = source.constant(_FINISHED_UPLOADS)
    for entry in filters.named_children if filters is not None else ():
        keys = fields(entry)
        if "key" in keys and literal(keys["key"][1]) == "data.api" and isinstance(wanted, set):
            values = {literal(item) for item in keys["values"][1].named_children}
            if values != wanted:
                yield Finding(
                    template.path,
                    line(entry),
                    f"the filter for data.api must be what the app accepts: {listed(wanted)}",
                )


def _rules(project: Project, source: Source) -> Findings:
    """Each rule becomes one value of a filter, in addition to the kinds of upload."""
    rules = project.json(_RULES)
    if not isinstance(rules, list) or not all(
        isinstance(rule, dict) and "container" in rule for rule in rules
    ):
        yield Finding(_RULES, 1, "it must be a list of rules, each with a container")
        return
    kinds = source.constant(_FINISHED_UPLOADS)
    most = _MAX_FILTER_VALUES - len(kinds if isinstance(kinds, set) else ())
    if len(rules) > most:
        yield Finding(_RULES, 1, f"it has {len(rules)} rules; an event subscription has room for {most}")


def _containers(project: Project) -> Findings:
    """Dead letters, and the role to write them, are for a container that a template creates."""
    containers = [
        (template, declared)
        for template in project.templates.values()
        for declared in template.of_kind("resource")
        if "/blobServices/containers@" in declared.type_text
    ]
    names = [(template, one, template.resolved(one.at("name"))) for template, one in containers]
    made = {literal(name) for _, one, name in names if not one.is_existing}
    for template, one, name in names:
        if one.is_existing and literal(name) not in made:
            yield Finding(
                template.path, line(name or one.node), f"no template creates the container {one.name}"
            )
    for template in project.templates.values():
        for declared in template.of_kind("resource"):
            if not declared.type_text.startswith(_SUBSCRIPTION):
                continue
            letters = ("properties", "deadLetterWithResourceIdentity", "deadLetterDestination", "properties")
            container = declared.at(*letters, "blobContainerName")
            if container is None or literal(container) not in made:
                yield Finding(
                    template.path,
                    line(container or declared.node),
                    "dead letters go to a container that no template creates",
                )
