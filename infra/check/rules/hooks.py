"""The hooks of azd: azure.yaml calls them alike on all systems, and they fit the templates."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infra.check.bicep import Declaration, literal, walk
from infra.check.evaluation.parameters import connecting_output
from infra.check.findings import Finding, Findings, listed
from infra.check.project import AZURE_YAML, CONNECTIONS, MAIN, PARAMETERS, Project
from infra.hooks.environment import SUBSTITUTION

_FOLDER = Path("infra/hooks")
_PASSED = _FOLDER / "connections.py"
_VALUES = _FOLDER / "values.py"
_LOOKED_UP = _FOLDER / "azure_state.py"
_ROLE_VARIABLE, _ROLE_PARAMETER = "WORKSPACE_ROLE", "workspaceRole"
"""The only choice that is a parameter of connections.bicep alone."""

_CALLS = {
    "posix": ("sh", re.compile(r"python3 -m infra\.hooks\.(?P<module>\w+)")),
    # Without /: some versions of azd replace it by \ in the script.
    "windows": (
        "pwsh",
        re.compile(
            r"#Requires -Version 7\n[^/]*\n& \$python -m infra\.hooks\.(?P<module>\w+)\nexit \$LASTEXITCODE\n"
        ),
    ),
}
_READS_KEYS = re.compile(
    r"keys[\"', ]+list|listKeys|--account-key|connection-string|\?code=|show-keys", re.IGNORECASE
)


def check_hooks(project: Project) -> Findings:
    yield from _calls(project)
    yield from _keys(project)
    yield from _passed_parameters(project)
    yield from _value_tables(project)
    yield from _constants_of_templates(project)


def _calls(project: Project) -> Findings:
    for name, hook in _hooks(yaml.compose(project.read(AZURE_YAML))):
        for system, (shell, call) in _CALLS.items():
            entry = _fields(_fields(hook).get(system))
            number = _line(entry.get("run") or hook)
            found = call.fullmatch(_scalar(entry.get("run")) or "")
            if found is None or _scalar(entry.get("shell")) != shell:
                yield Finding(
                    AZURE_YAML,
                    number,
                    f"hook {name}: {system} must run a module of {_FOLDER} as the others do",
                )
            elif found["module"] != name or not project.exists(_FOLDER / f"{name}.py"):
                yield Finding(
                    AZURE_YAML, number, f"hook {name}: there must be {_FOLDER}/{name}.py, and it must run"
                )
            for key, wanted, why in (
                ("interactive", "true", "azd wipes what the hook prints otherwise"),
                ("continueOnError", "false", "a failure must stop azd"),
            ):
                if _scalar(entry.get(key)) != wanted:
                    yield Finding(
                        AZURE_YAML,
                        _line(entry.get(key) or entry.get("run") or hook),
                        f"hook {name}: {key} must be {wanted} for {system}: {why}",
                    )


def _hooks(root: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    azure = _fields(root)
    owners = [azure, *(_fields(service) for service in _fields(azure.get("services")).values())]
    for owner in owners:
        yield from _fields(owner.get("hooks")).items()


def _fields(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _scalar(node: yaml.Node | None) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _keys(project: Project) -> Findings:
    for path in project.files(f"{_FOLDER}/*.py"):
        for number, one in enumerate(project.read(path).splitlines(), 1):
            if _READS_KEYS.search(one):
                yield Finding(path, number, "a hook must not read keys")


def _passed_parameters(project: Project) -> Findings:
    """connections.bicep gets each parameter without a default, from an output of main.bicep."""
    passed: dict[str, str] = _constant(project, _PASSED, "PARAMETERS")
    wanted = {one.name: one.value is None for one in project.templates[CONNECTIONS].of_kind("param")}
    table = project.line_of(_PASSED, "PARAMETERS = {")
    missing = {name for name, required in wanted.items() if required} - passed.keys()
    if missing:
        yield Finding(_PASSED, table, f"parameter {listed(missing)} of {CONNECTIONS} is not passed")
    for name, variable in passed.items():
        number = project.line_of(_PASSED, f'"{name}":')
        if name not in wanted:
            yield Finding(_PASSED, number, f"{CONNECTIONS} has no parameter {name}")
        elif variable != connecting_output(name):
            yield Finding(_PASSED, number, f"parameter {name} must come from {connecting_output(name)}")
    outputs = project.templates[MAIN].outputs
    for variable in [*passed.values(), *_constant(project, _PASSED, "SHOWN")]:
        if variable not in outputs:
            yield Finding(
                _PASSED, project.line_of(_PASSED, f'"{variable}"'), f"{variable} is not an output of {MAIN}"
            )


def _value_tables(project: Project) -> Findings:
    """The preprovision hook refuses exactly the values that the templates refuse."""
    given: dict[str, dict[str, str]] = project.json(PARAMETERS)["parameters"]
    main = project.templates[MAIN].declarations
    declared = {
        found["name"]: main[name]
        for name, value in given.items()
        if (found := SUBSTITUTION.fullmatch(str(value.get("value")))) and name in main
    }
    declared[_ROLE_VARIABLE] = project.templates[CONNECTIONS].declarations[_ROLE_PARAMETER]
    wanted = {name: _allowed(one) for name, one in declared.items() if _allowed(one) is not None}
    tables: dict[str, Any] = {
        **dict.fromkeys(_constant(project, _VALUES, "TRUE_OR_FALSE"), bool),
        **_constant(project, _VALUES, "ONE_OF"),
        **_constant(project, _VALUES, "WHOLE_NUMBERS"),
    }
    for name in sorted(wanted.keys() | tables.keys()):
        if wanted.get(name) != tables.get(name):
            shown = "true or false" if wanted.get(name) is bool else wanted.get(name, "nothing in particular")
            yield Finding(
                _VALUES,
                project.line_of(_VALUES, f'"{name}"'),
                f"{name} takes {shown} by the templates, and the hook checks it otherwise",
            )


def _allowed(parameter: Declaration) -> Any:
    """As the tables of the hook have it: ``bool``, the texts of the allowed values, least and greatest, or None."""
    allowed = parameter.decorators.get("allowed")
    if allowed is not None:
        return tuple(str(literal(one)) for one in allowed.named_children)
    if parameter.type_text == "int":
        return tuple(literal(parameter.decorators.get(name)) for name in ("minValue", "maxValue"))
    return bool if parameter.type_text == "bool" else None


def _constants_of_templates(project: Project) -> Findings:
    """What a hook knows by a value of its own is in a template, too."""
    texts = {
        literal(node)
        for template in project.templates.values()
        for node in walk(template.root)
        if node.type == "string"
    }
    known = {
        **dict.fromkeys(_constant(project, _LOOKED_UP, "SECRETS").values(), _LOOKED_UP),
        _constant(project, _PASSED, "DATA_SCIENTIST"): _PASSED,
    }
    for value, path in known.items():
        if value not in texts:
            yield Finding(path, project.line_of(path, value), f"no template has {value!r}")


def _constant(project: Project, path: Path, name: str) -> Any:
    """The literal that a module gives a name to."""
    for statement in ast.parse(project.read(path)).body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in statement.targets
        ):
            return ast.literal_eval(statement.value)
    raise ValueError(f"{path} has no {name}")
