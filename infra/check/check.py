"""All checks, in one list."""

from collections.abc import Iterator

from infra.check.bicep import broken, line, text
from infra.check.findings import Finding
from infra.check.language.constants import check_constants
from infra.check.language.names import check_names
from infra.check.language.schema import check_resource, table
from infra.check.project import Project
from infra.check.rules.alerts import check_alerts
from infra.check.rules.clouds import check_clouds
from infra.check.rules.deployment import check_deployment
from infra.check.rules.events import check_events
from infra.check.rules.hooks import check_hooks
from infra.check.rules.ledger import check_ledger
from infra.check.rules.log_levels import check_log_levels
from infra.check.rules.names import check_resource_names
from infra.check.rules.new_data_rules import check_new_data_rules
from infra.check.rules.package import deployed_files
from infra.check.rules.pipeline import check_pipeline
from infra.check.rules.private_network import check_private_network
from infra.check.rules.python_source import Source
from infra.check.rules.roles import check_roles
from infra.check.rules.scale import check_scale
from infra.check.rules.scheduler import check_scheduler
from infra.check.rules.security import check_publishing_is_off, check_secret_arguments, check_security
from infra.check.rules.settings import check_host, check_settings
from infra.check.rules.sign_in import check_sign_in


def check(project: Project) -> list[Finding]:
    """Sorted. If a file is not Bicep, there are syntax errors only."""
    syntax = [
        Finding(template.path, line(node), f"syntax error near {text(node).strip()[:40]!r}")
        for template in project.templates.values()
        for node in broken(template)
    ]
    return sorted(set(syntax or _check(project)))


def _check(project: Project) -> Iterator[Finding]:
    source = Source.of(project, deployed_files(project))
    for template in project.templates.values():
        yield from check_names(project, template)
        yield from check_constants(template)
        yield from check_roles(template)
        yield from check_clouds(template)
        yield from check_security(template)
        yield from check_secret_arguments(project, template)
        yield from check_publishing_is_off(template)
        yield from check_sign_in(template)
        yield from check_alerts(project, template)
        for resource in template.of_kind("resource"):
            yield from check_resource(template, resource)
    yield from check_settings(project, source)
    yield from check_host(project)
    yield from check_log_levels(project)
    yield from check_private_network(project)
    yield from check_scale(project)
    yield from check_scheduler(project)
    yield from check_ledger(project, source)
    yield from check_events(project, source)
    yield from check_new_data_rules(project)
    yield from check_deployment(project)
    yield from check_pipeline(project)
    yield from check_hooks(project)
    yield from check_resource_names(project)


def notes(project: Project) -> list[str]:
    """The resource types for which the check is weaker than for others."""
    used = {
        resource.resource_type
        for template in project.templates.values()
        for resource in template.of_kind("resource")
    }
    by_hand = sorted(name for name in used if table().get(name, {}).get("source") == "hand-written")
    return [
        f"{name} is compared with a table written by hand, not with published type data" for name in by_hand
    ]
