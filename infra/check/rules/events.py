"""Event subscriptions: function and topic exist, the filters fit, and events that fail are kept."""

import re
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, fields, line, literal, text, walk
from infra.check.evaluation.parameters import connecting_output
from infra.check.findings import Finding, Findings, listed
from infra.check.project import CONNECTIONS, MAIN, Project
from infra.check.rules.python_source import Source

_FUNCTION = re.compile(r"/functions/(\w+)$")
_TOPIC_OF_EVENT = {
    "Microsoft.Storage.": "Microsoft.Storage.StorageAccounts",
    "Microsoft.MachineLearningServices.": "Microsoft.MachineLearningServices.Workspaces",
}
_SUBSCRIPTION = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
_EVENT = re.compile(r"(Microsoft\.(?:Storage|MachineLearningServices)\.)[A-Z]\w+")
_TAKEN_CALLS = ("FINISHED_UPLOADS", "RENAMES")
"""Constants of the app: the calls after which a blob counts as uploaded, as ``data.api`` names them."""
_BLOB_CREATED = "BLOB_CREATED"
"""Constant of the app: the event of all calls but renames."""
_CREATE_FILE = "CREATE_FILE"
"""Constant of the app: the call that counts for markers alone. Each file of a Data Lake account raises its event."""
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
            yield from _calls(template, module, events, source)
            yield from _filter_values(project, template, module)
    yield from _known_event_types(template, source)
    yield from _created_markers(template, source)
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
    """Found through the parameter of this template, and the output of main.bicep that it comes from."""
    used = {text(node) for node in _reached(template, module.at("params", "topicName"))}
    parameter = next((name for name in used if name.endswith("TopicId")), None)
    main = project.templates[MAIN]
    output = main.outputs.get(connecting_output(parameter)) if parameter else None
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


def _known_event_types(template: Template, source: Source) -> Findings:
    """Each event type that the app handles is subscribed to."""
    subscribed = {
        str(literal(item)): module
        for module in reversed(template.of_kind("module"))
        if (events := module.at("params", "eventTypes")) is not None
        for item in events.named_children
    }
    for event in sorted(one for one in source.texts if _EVENT.fullmatch(one)):
        sender = event.rpartition(".")[0]
        others = [module for one, module in subscribed.items() if one.rpartition(".")[0] == sender]
        if others and event not in subscribed:
            yield Finding(
                template.path,
                line(others[0].at("params", "eventTypes") or others[0].node),
                f"the app handles {event}, and no subscription takes it",
            )


def _calls(template: Template, module: Declaration, events: Node, source: Source) -> Findings:
    """A filter lets through exactly the calls that the app takes; CreateFile for names of markers only."""
    named = [source.constant(name) for name in _TAKEN_CALLS]
    taken = {call for calls in named if isinstance(calls, set) for call in calls}
    filters = [fields(entry) for entry in _filters(module)]
    of_calls = [keys for keys in filters if literal(keys["key"][1]) == "data.api"]
    is_of_storage = any(str(literal(item)).startswith("Microsoft.Storage.") for item in events.named_children)
    if is_of_storage and not of_calls:
        yield Finding(
            template.path,
            line(module.node),
            f"module {module.name}: no filter for data.api, so it takes the event of each call that writes",
        )
    for keys in of_calls:
        key, values = keys["key"][0], _values(keys)
        if values == {source.constant(_CREATE_FILE)}:
            if not any(_is_for_ends_of_names(other) for other in filters):
                yield Finding(
                    template.path,
                    line(key),
                    "each file of a Data Lake account is created: a filter must name the markers (StringEndsWith)",
                )
        elif values != taken:
            yield Finding(
                template.path,
                line(key),
                f"the filter for data.api must be what the app accepts: {listed(taken)}",
            )


def _is_for_ends_of_names(keys: dict[str, tuple[Node, Node]]) -> bool:
    return (literal(keys["operatorType"][1]), literal(keys["key"][1])) == ("StringEndsWith", "Subject")


def _created_markers(template: Template, source: Source) -> Findings:
    """A subscription takes what announces a marker that is created, and not written to."""
    call, event = source.constant(_CREATE_FILE), source.constant(_BLOB_CREATED)
    of_event = [
        module
        for module in template.of_kind("module")
        if (events := module.at("params", "eventTypes")) is not None
        and event in {literal(item) for item in events.named_children}
    ]
    filters = [fields(entry) for module in of_event for entry in _filters(module)]
    if of_event and not any(
        literal(keys["key"][1]) == "data.api" and call in _values(keys) for keys in filters
    ):
        yield Finding(
            template.path,
            line(of_event[0].node),
            f"the app takes markers that are only created, and no subscription takes {event} of {call}",
        )


def _values(keys: dict[str, tuple[Node, Node]]) -> set[object]:
    return {literal(item) for item in keys["values"][1].named_children}


def _filters(module: Declaration) -> list[Node]:
    filters = module.at("params", "filters")
    return filters.named_children if filters is not None else []


def _filter_values(project: Project, template: Template, module: Declaration) -> Findings:
    """All filters together have at most as many values as a subscription takes.

    A literal list has its length, and a variable the limit ``most…`` that its expression compares with. The names of
    markers have no such limit: they are counted in the rules file.
    """
    count = 0
    for entry in _filters(module):
        keys = fields(entry)
        values = keys["values"][1]
        limit = _limit(template, values)
        if limit is not None:
            count += limit
        elif literal(keys["operatorType"][1]) == "StringEndsWith":
            count += len(_marker_names(project))
        else:
            yield Finding(template.path, line(values), f"no variable most… limits the values {text(values)}")
    if count > _MAX_FILTER_VALUES:
        yield Finding(
            template.path,
            line(module.node),
            f"module {module.name}: its filters can have {count} values;"
            f" an event subscription takes {_MAX_FILTER_VALUES}, and {_RULES} has {len(_marker_names(project))}"
            " names of markers",
        )


def _limit(template: Template, values: Node) -> int | None:
    if values.type == "array":
        return len(values.named_children)
    reached = (template.declarations.get(text(node)) for node in _reached(template, values))
    limits = (literal(one.value) for one in reached if one is not None and one.name.startswith("most"))
    return next((limit for limit in limits if isinstance(limit, int)), None)


def _marker_names(project: Project) -> set[str]:
    try:
        rules = project.json(_RULES)
    except ValueError:
        return set()
    return {
        str(rule.get("marker"))
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict) and rule.get("start") == "marker"
    }


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
        for declared in template.resources(_SUBSCRIPTION):
            letters = ("properties", "deadLetterWithResourceIdentity", "deadLetterDestination", "properties")
            container = declared.at(*letters, "blobContainerName")
            if container is None or literal(container) not in made:
                yield Finding(
                    template.path,
                    line(container or declared.node),
                    "dead letters go to a container that no template creates",
                )
