"""azure.yaml, the parameter file and the hooks fit the templates, and each template is used."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from infra.check.bicep import line, literal, text
from infra.check.findings import Finding, Findings, listed
from infra.check.project import AZURE_YAML, CONNECTIONS, MAIN, PARAMETERS, Project
from tools.declared_pythons import declared_pythons

_SUBSTITUTION = re.compile(r"\$\{(?P<name>\w+)(?:=(?P<default>[^}]*))?\}")
_OF_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID"}
_ARGUMENT = re.compile(r'^ *(?P<name>\w+)="\$(?:env:|\{)?(?P<variable>\w+)', re.MULTILINE)
_READS_VARIABLE = re.compile(r"\$(?:env:|\{)?(?P<name>[A-Z][A-Z0-9_]{2,})\b(?P<default>:-)?")
_READS_KEYS = re.compile(
    r"keys list|listKeys|--account-key|connection-string|\?code=|show-keys", re.IGNORECASE
)


def check_deployment(project: Project) -> Findings:
    yield from _unused_modules(project)
    yield from _parameters(project)
    yield from _azure_yaml(project)
    yield from _hook_arguments(project)
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
        found = _SUBSTITUTION.fullmatch(str(given[name].get("value")))
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


def _azure_yaml(project: Project) -> Findings:
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
    hooks = [azure.get("hooks", {}), *(service.get("hooks", {}) for service in azure["services"].values())]
    for name, hook in ((name, hook) for group in hooks for name, hook in group.items()):
        for system, ending in (("posix", ".sh"), ("windows", ".ps1")):
            path = Path(hook.get(system, {}).get("run", ""))
            number = project.line_of(AZURE_YAML, str(path))
            if path.suffix != ending or not project.exists(path):
                yield Finding(AZURE_YAML, number, f"hook {name}: there is no {ending} script for {system}")
            elif ending == ".sh" and not os.access(project.root / path, os.X_OK):
                yield Finding(path, 1, "the script is not executable")
            elif hook[system].get("continueOnError") is not False:
                yield Finding(AZURE_YAML, number, f"hook {name}: continueOnError must be false")


def _hook_arguments(project: Project) -> Findings:
    """Both scripts pass the same variables of azd to the parameters of the second template."""
    outputs = project.templates[MAIN].outputs.keys() | _OF_AZD
    wanted = {one.name: one.value is None for one in project.templates[CONNECTIONS].of_kind("param")}
    passed: dict[str, dict[str, str]] = {}
    for path in project.files("infra/hooks/*"):
        script = project.read(path)
        for number, one in enumerate(script.splitlines(), 1):
            if _READS_KEYS.search(one):
                yield Finding(path, number, "a hook must not read keys")
        if path.stem != "postdeploy":
            continue
        arguments = {found["name"]: found["variable"].upper() for found in _ARGUMENT.finditer(script)}
        passed[path.suffix] = {name: variable.replace("_", "") for name, variable in arguments.items()}
        for name in arguments.keys() - wanted.keys():
            yield Finding(path, project.line_of(path, f"{name}="), f"{CONNECTIONS} has no parameter {name}")
        missing = {name for name, required in wanted.items() if required} - arguments.keys()
        if missing:
            yield Finding(
                path, project.line_of(path, "--parameters"), f"parameter {listed(missing)} is not passed"
            )
        for found in _READS_VARIABLE.finditer(script):
            if found["name"] not in outputs | {"LASTEXITCODE", "WORKSPACE_ROLE"}:
                number = script[: found.start()].count("\n") + 1
                yield Finding(path, number, f"{found['name']} is not an output of {MAIN}")
    if len({tuple(sorted(one.items())) for one in passed.values()}) > 1:
        yield Finding(Path("infra/hooks/postdeploy.ps1"), 1, "it passes other parameters than postdeploy.sh")


def _runtime(project: Project) -> Findings:
    """The app runs on a version of Python on which the tests run."""
    tested = declared_pythons(project.read(Path("pyproject.toml")))
    for template in project.templates.values():
        for declared in template.of_kind("resource"):
            runtime = declared.at("properties", "functionAppConfig", "runtime", "version")
            if runtime is not None and literal(runtime) not in tested:
                yield Finding(template.path, line(runtime), f"the tests run on Python {listed(tested)} only")
