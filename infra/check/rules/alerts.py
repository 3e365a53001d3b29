"""Alerts: each failure raises one of its own, once, and only what ends by itself may resolve by itself."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, fields, line, literal, text, walk
from infra.check.findings import Finding, Findings, listed
from infra.check.project import Project

_LOG_ALERT = "Microsoft.Insights/scheduledQueryRules"
_METRIC_ALERT = "Microsoft.Insights/metricAlerts"
_ATTENTION = Path("batch/run/attention.py")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_SLICE = re.compile(r"ingestion_time\(\) > ago\((\d+)m\) and ingestion_time\(\) <= ago\((\d+)m\)")
_TABLE = re.compile(r"\bApp[A-Z]\w+")
_EMPTY_COLUMN = "OperationName"
_RUN = "Run"
_TAKES_THE_RUN = re.compile(rf"\b{_RUN} = extract\(")
_READS_ITEM = re.compile(r"\w+\.(\w+)")


@dataclass(frozen=True)
class Alert:
    """One rule of a resource: an item of its loop, or the resource itself."""

    template: Template
    resource: Declaration
    item: Node | None

    def at(self, *path: str) -> Node | None:
        return self._of_item(self.resource.at("properties", *path))

    def at_item(self, key: str) -> Node | None:
        """What the loop's item has under ``key``."""
        return fields(self.item).get(key, (None, None))[1] if self.item is not None else None

    def minutes(self, name: str) -> int:
        """A duration such as ``windowSize``."""
        return _minutes(self.at(name))

    @property
    def query(self) -> Node | None:
        return next(self._in_criteria("query"), None)

    @property
    def dimensions(self) -> set[str]:
        """Names of columns, from a list of names that is mapped to dimensions, or from the dimensions."""
        return {
            name
            for node in self._in_criteria("dimensions")
            for one in walk(node)
            for part in (walk(self._of_item(one) or one) if one.type == "member_expression" else (one,))
            if isinstance(name := literal(part), str)
        }

    def _in_criteria(self, key: str) -> Iterator[Node]:
        conditions = self.resource.at("properties", "criteria", "allOf")
        for condition in conditions.named_children if conditions is not None else ():
            node = self._of_item(fields(condition)[key][1]) if key in fields(condition) else None
            if node is not None:
                yield node

    def _of_item(self, node: Node | None) -> Node | None:
        """What the loop's item has for ``node``, such as ``alert.query``; any other node unchanged."""
        if node is None or self.item is None or node.type != "member_expression":
            return node
        read = _READS_ITEM.fullmatch(text(node))
        return self.at_item(read[1]) if read else node


def check_alerts(project: Project, template: Template) -> Findings:
    for resource in template.resources(_METRIC_ALERT):
        yield from _window(template, resource)
        yield from _metric_alert(template, resource)
    for resource in template.resources(_LOG_ALERT):
        yield from _window(template, resource)
        for alert in alerts_of(template, resource):
            yield from _log_alert(project, alert)


def alerts_of(template: Template, resource: Declaration) -> Iterator[Alert]:
    loop = resource.value
    if loop is None or loop.type != "for_statement":
        yield Alert(template, resource, None)
        return
    items = template.resolved(loop.named_children[-2])
    for item in items.named_children if items is not None else ():
        if item.type == "object":
            yield Alert(template, resource, item)


def _window(template: Template, resource: Declaration) -> Findings:
    window, frequency = (resource.at("properties", name) for name in ("windowSize", "evaluationFrequency"))
    if _minutes(window) <= _minutes(frequency):
        yield Finding(
            template.path,
            line(window or resource.node),
            f"{resource.name}: windowSize must be wider than evaluationFrequency, for what arrives late",
        )


def _metric_alert(template: Template, resource: Declaration) -> Findings:
    node = resource.at("properties", "autoMitigate")
    if literal(node) is not False:
        yield Finding(
            template.path,
            line(node or resource.node),
            f"{resource.name}: autoMitigate must be false: a lost event is not found when no other one is lost",
        )


def _log_alert(project: Project, alert: Alert) -> Findings:
    template, resource, query = alert.template, alert.resource, alert.query
    asked = template.written(query)
    if query is None or asked is None:
        yield Finding(template.path, line(resource.node), f"{resource.name}: the query is no text")
        return

    keeps_state = literal(alert.at("autoMitigate")) is not False
    repeated = _repeated_lines(project)
    if keeps_state and not any(f'startswith "{event}"' in asked for event in repeated):
        yield Finding(
            template.path,
            line(query),
            f"{resource.name}: autoMitigate must be false, unless the query looks for a line that is repeated"
            f" until its cause is gone ({listed(repeated)})",
        )
    if not keeps_state and not _takes_each_row_once(asked, alert.minutes("evaluationFrequency")):
        yield Finding(
            template.path,
            line(query),
            f"{resource.name}: the query must take the rows of one evaluationFrequency by ingestion_time():"
            " without state the alert fires for a row as often as the window contains it",
        )
    if _EMPTY_COLUMN in asked:
        yield Finding(
            template.path,
            line(query),
            f"{resource.name}: {_EMPTY_COLUMN} is empty for log lines with OpenTelemetry: look for a text",
        )
    if _TAKES_THE_RUN.search(asked):
        if _RUN not in alert.dimensions:
            yield Finding(
                template.path,
                line(query),
                f"{resource.name}: the dimension {_RUN} is missing, so two runs are one alert",
            )
    elif (muted := alert.at("muteActionsDuration")) is None or text(muted) == "null":
        yield Finding(
            template.path,
            line(query),
            f"{resource.name}: without the dimension {_RUN} the alert needs muteActionsDuration:"
            " it mails at each evaluation",
        )


def _takes_each_row_once(query: str, frequency: int) -> bool:
    slices = [int(first) - int(last) for first, last in _SLICE.findall(query)]
    return slices == [frequency] * len(_TABLE.findall(query))


def _repeated_lines(project: Project) -> list[str]:
    """What housekeeping logs of a run at each call, until its cause is gone."""
    tree = ast.parse(project.read(_ATTENTION))
    codes = next(one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == "AttentionCode")
    return [str(ast.literal_eval(one.value)) for one in codes.body if isinstance(one, ast.Assign)]


def _minutes(node: Node | None) -> int:
    found = _DURATION.fullmatch(str(literal(node)))
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return (days * 24 + hours) * 60 + minutes
