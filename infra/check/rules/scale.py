"""How long an execution may take, how soon an idle app sees its work, and what one instance takes at once."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, fields, line, literal, text
from infra.check.findings import Finding, Findings
from infra.check.project import HOST, Project

_TIME_SPAN = re.compile(r"(?P<hours>\d\d):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)", re.ASCII)
_LONGEST_POLLING = timedelta(seconds=10)
"""As often as the platform itself looks at the queues of a task hub."""
_SCALE = ("properties", "functionAppConfig", "scaleAndConcurrency")
_GROUPS = {"http", "durable", "blob"}
"""Functions that scale together. Each other function is a group of its own, ``function:<name>``."""


def check_scale(project: Project) -> Findings:
    host: dict[str, Any] = project.json(HOST)
    yield from _function_timeout(project, host)
    yield from _queue_polling(project, host)
    for template in project.templates.values():
        for declared in template.resources("Microsoft.Web/sites"):
            if not declared.is_existing:
                yield from _http_concurrency(template, declared)
                yield from _always_ready(template, declared)


def _function_timeout(project: Project, host: dict[str, Any]) -> Findings:
    if not _time_span(host.get("functionTimeout")):
        yield Finding(
            HOST,
            project.line_of(HOST, "functionTimeout"),
            "functionTimeout must be a time such as 00:30:00: its default differs from plan to plan",
        )


def _queue_polling(project: Project, host: dict[str, Any]) -> Findings:
    provider = host.get("extensions", {}).get("durableTask", {}).get("storageProvider", {})
    if provider.get("type") != "AzureStorage":
        return
    interval = _time_span(provider.get("maxQueuePollingInterval"))
    if not interval or interval > _LONGEST_POLLING:
        yield Finding(
            HOST,
            project.line_of(HOST, "storageProvider"),
            f"storageProvider.maxQueuePollingInterval must be at most {_LONGEST_POLLING.seconds} s (the default"
            " is 30): a run with nothing else to do would end so much later",
        )


def _time_span(value: object) -> timedelta:
    """Zero if it is none."""
    found = _TIME_SPAN.fullmatch(str(value))
    return timedelta(**{unit: int(number) for unit, number in found.groupdict().items()} if found else {})


def _http_concurrency(template: Template, app: Declaration) -> Findings:
    if app.at(*_SCALE, "triggers", "http", "perInstanceConcurrency") is None:
        yield Finding(
            template.path,
            line(app.at(*_SCALE) or app.node),
            "scaleAndConcurrency.triggers.http.perInstanceConcurrency must be given: the default for Python is 1",
        )


def _always_ready(template: Template, app: Declaration) -> Findings:
    node = app.at(*_SCALE, "alwaysReady")
    groups = map(fields, _groups(template, node))
    names = [group["name"][1] for group in groups if "name" in group]
    for name in names:
        if literal(name) not in _GROUPS and not text(name).strip("'").startswith("function:"):
            yield Finding(
                template.path,
                line(name),
                f"no group of functions is called {text(name)}: {', '.join(sorted(_GROUPS))} or function:<name>",
            )
    if "durable" not in map(literal, names):
        yield Finding(
            template.path,
            line(node or app.node),
            "scaleAndConcurrency.alwaysReady must be able to keep instances of the group durable",
        )


def _groups(template: Template, node: Node | None) -> Iterator[Node]:
    for possible in template.possible(node):
        if possible.type == "array":
            for entry in possible.named_children:
                yield from (one for one in template.possible(entry) if one.type == "object")
