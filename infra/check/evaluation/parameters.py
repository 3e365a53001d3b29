"""Parameters of main.bicep from an environment of azd, and those of connections.bicep from its outputs."""

import json
import re
from collections.abc import Mapping

from infra.check.bicep import Declaration, literal
from infra.check.evaluation.values import EvaluationError, Place, Value
from infra.check.project import CONNECTIONS, MAIN, PARAMETERS, Project
from infra.hooks.environment import SUBSTITUTION
from infra.hooks.values import FALSE, TRUE

_BOOLEANS = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}
_NOT_CONNECTING = {
    "resourceGroupName": "AZURE_RESOURCE_GROUP",
    "functionAppName": "AZURE_FUNCTION_APP_NAME",
}
"""Parameters of connections.bicep whose variable has a name that azd and its users know."""

_ROLE = "WORKSPACE_ROLE"


def inputs(project: Project) -> dict[str, int]:
    """The variables of the environment that the parameter file reads, each with its line."""
    lines = project.read(PARAMETERS).splitlines()
    return {
        found["name"]: number for number, one in enumerate(lines, 1) for found in SUBSTITUTION.finditer(one)
    }


def main_parameters(project: Project, environment: Mapping[str, str]) -> dict[str, Value]:
    """Raises EvaluationError for a parameter without a value: azd asks for it."""
    declared = project.templates[MAIN].declarations
    found: dict[str, Value] = {}
    for name, entry in json.loads(project.read(PARAMETERS))["parameters"].items():
        text = SUBSTITUTION.sub(
            lambda match: environment.get(match["name"]) or match["default"] or "", str(entry["value"])
        )
        value = _converted(declared[name], text) if name in declared else None
        if value is not None:
            found[name] = value
        elif name in declared and declared[name].value is None:
            place = Place(PARAMETERS, project.line_of(PARAMETERS, f'"{name}"'))
            raise EvaluationError(place, f"azd asks for parameter {name}: {entry['value']} is empty")
    return found


def _converted(declared: Declaration, text: str) -> Value:
    """None for a text that azd does not pass on."""
    if declared.type_text == "bool":
        return _BOOLEANS.get(text)
    if declared.type_text == "int":
        return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None
    return text if text or literal(declared.value) else None


def connecting_output(parameter: str) -> str:
    """The output of main.bicep with the value for a parameter of connections.bicep."""
    return _NOT_CONNECTING.get(parameter, "CONNECT_" + re.sub(r"(?=[A-Z])", "_", parameter).upper())


def connection_parameters(
    project: Project, outputs: Mapping[str, Value], environment: Mapping[str, str]
) -> dict[str, Value]:
    """As the postdeploy hook passes them: dataTopicId is the output CONNECT_DATA_TOPIC_ID."""
    found: dict[str, Value] = {}
    for declared in project.templates[CONNECTIONS].of_kind("param"):
        output = connecting_output(declared.name)
        if declared.name == "workspaceRole":
            found[declared.name] = environment.get(_ROLE) or literal(declared.value)
        elif output in outputs:
            found[declared.name] = outputs[output]
    return found
