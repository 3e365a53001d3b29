"""The scheduler has the task hub that the app looks for, and keeps it no longer than it can."""

from typing import Any

from infra.check.bicep import Template, fields, line, literal
from infra.check.findings import Finding, Findings
from infra.check.project import HOST, Project

_SCHEDULER = "Microsoft.DurableTask/schedulers"
_LONGEST_RETENTION = {"Consumption": 30, "Dedicated": 90}
"""Days, by SKU."""


def check_scheduler(project: Project) -> Findings:
    host: dict[str, Any] = project.json(HOST)
    hub = str(host.get("extensions", {}).get("durableTask", {}).get("hubName"))
    for template in project.templates.values():
        for declared in template.resources(f"{_SCHEDULER}/taskHubs"):
            name = declared.at("name")
            if name is not None and hub not in (name.text or b"").decode():
                yield Finding(
                    template.path, line(name), f"the name of the task hub must be {hub}, as in host.json"
                )
        for declared in template.resources(_SCHEDULER):
            yield from _retention(template, str(literal(declared.at("properties", "sku", "name"))))


def _retention(template: Template, sku: str) -> Findings:
    longest = _LONGEST_RETENTION.get(sku, 0)
    for declared in template.resources(f"{_SCHEDULER}/retentionPolicies"):
        policies = declared.at("properties", "retentionPolicies")
        for policy in policies.named_children if policies is not None else ():
            days = fields(policy)["retentionPeriodInDays"][1]
            number = literal(days)
            if not isinstance(number, int) or not 1 <= number <= longest:
                yield Finding(
                    template.path,
                    line(days),
                    f"retentionPeriodInDays must be a number from 1 to {longest}, the longest of SKU {sku}",
                )
