"""azure.yaml and the parameter file fit the templates, and each template is used."""

import re
from pathlib import Path
from typing import Any

import yaml

from infra.check.bicep import line, literal, text
from infra.check.findings import Finding, Findings, listed
from infra.check.project import AZURE_YAML, CONNECTIONS, MAIN, PARAMETERS, Project
from infra.hooks.environment import SUBSTITUTION
from tools.declared_pythons import declared_pythons


def check_deployment(project: Project) -> Findings:
    yield from _unused_modules(project)
    yield from _parameters(project)
    yield from _services(project)
    yield from _runtime(project)


def _unused_modules(project: Project) -> Findings:
    """Each template is one of the two that are deployed, or a module of another."""
    used = {MAIN, CONNECTIONS} | {
        project.module_file(template, module.type_text)
        for template in project.templates.values()
        for module in template.of_kind("module")
    }
    for path in project.templates.keys() - used:
        yield Finding(path, 1, "no template uses this module")


def _parameters(project: Project) -> Findings:
    given: dict[str, dict[str, str]] = project.json(PARAMETERS)["parameters"]
    wanted = {one.name: one for one in project.templates[MAIN].of_kind("param")}
    for name in sorted(given.keys() ^ wanted.keys()):
        yield Finding(
            PARAMETERS,
            project.line_of(PARAMETERS, f'"{name}"'),
            f"parameter {name} must be both here and in {MAIN}",
        )
    for name in given.keys() & wanted.keys():
        number = project.line_of(PARAMETERS, f'"{name}"')
        found = SUBSTITUTION.fullmatch(str(given[name].get("value")))
        if found is None:
            yield Finding(
                PARAMETERS, number, f"parameter {name} must come from the environment: ${{NAME=default}}"
            )
            continue
        default = literal(wanted[name].value)
        shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        if (found["default"] or "") != shown:
            yield Finding(
                PARAMETERS,
                number,
                f"parameter {name} has the default {found['default']!r} here, {shown!r} in {MAIN}",
            )


def _services(project: Project) -> Findings:
    azure: dict[str, Any] = yaml.safe_load(project.read(AZURE_YAML))
    tagged = {
        match[1]
        for template in project.templates.values()
        for match in re.finditer(r"'azd-service-name': '(\w+)'", text(template.root))
    }
    for service in azure["services"].keys() ^ tagged:
        yield Finding(
            AZURE_YAML,
            project.line_of(AZURE_YAML, "services"),
            f"service {service}: the name differs from the tag azd-service-name",
        )


def _runtime(project: Project) -> Findings:
    """The app runs on a version of Python on which the tests run."""
    tested = declared_pythons(project.read(Path("pyproject.toml")))
    for template in project.templates.values():
        for declared in template.of_kind("resource"):
            runtime = declared.at("properties", "functionAppConfig", "runtime", "version")
            if runtime is not None and literal(runtime) not in tested:
                yield Finding(template.path, line(runtime), f"the tests run on Python {listed(tested)} only")
