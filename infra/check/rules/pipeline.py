"""GitHub deploys with the options of a person: azd copies them into the repository, the workflow passes them on."""

from pathlib import Path
from typing import Any

import yaml

from infra.check.findings import Finding, Findings, listed
from infra.check.project import AZURE_YAML, MAIN, PARAMETERS, Project
from infra.hooks.environment import OF_HOOKS, SUBSTITUTION

WORKFLOW = Path(".github/workflows/azure-dev.yml")
_SET_BY_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION"}


def check_pipeline(project: Project) -> Findings:
    secrets = _options(project, secure=True)
    variables = (_options(project, secure=False) | OF_HOOKS.keys()) - _SET_BY_AZD
    pipeline: dict[str, list[str]] = yaml.safe_load(project.read(AZURE_YAML))["pipeline"]
    for key, wanted in (("variables", variables), ("secrets", secrets)):
        number = project.line_of(AZURE_YAML, f"  {key}:")
        for name in sorted(wanted - set(pipeline[key])):
            yield Finding(AZURE_YAML, number, f"pipeline: {key} lacks {name}, an option of {PARAMETERS}")
        for name in sorted(set(pipeline[key]) - wanted):
            at = project.line_of(AZURE_YAML, f"- {name}")
            yield Finding(
                AZURE_YAML, at, f"pipeline: {name} is none of the {key}: no template and no hook reads it"
            )
    yield from _workflow(project, variables | _SET_BY_AZD, secrets)


def _options(project: Project, *, secure: bool) -> set[str]:
    """The variables of the environment that the parameter file reads for secret parameters, or for all others."""
    given: dict[str, dict[str, str]] = project.json(PARAMETERS)["parameters"]
    return {
        found["name"]
        for parameter in project.templates[MAIN].of_kind("param")
        for found in SUBSTITUTION.finditer(given.get(parameter.name, {}).get("value", ""))
        if ("secure" in parameter.decorators) is secure
    }


def _workflow(project: Project, variables: set[str], secrets: set[str]) -> Findings:
    """Options are variables of the repository. Its secrets reach only the step that needs them."""
    if not project.exists(WORKFLOW):
        yield Finding(
            WORKFLOW,
            1,
            "there is no such workflow: `azd pipeline config` would make one that lacks the options",
        )
        return
    [job] = yaml.safe_load(project.read(WORKFLOW))["jobs"].values()
    wrong = {name for name in variables if job["env"].get(name) != f"${{{{ vars.{name} }}}}"}
    if wrong:
        number = project.line_of(WORKFLOW, "    env:")
        yield Finding(WORKFLOW, number, f"the variable {listed(wrong)} of the repository is not passed on")
    steps: list[dict[str, Any]] = job["steps"]
    for step in steps:
        wanted = secrets if "azd provision" in step.get("run", "") else set()
        given = {name for name, value in step.get("env", {}).items() if "secrets." in value}
        if given != wanted:
            number = project.line_of(WORKFLOW, step.get("run") or step["uses"])
            yield Finding(WORKFLOW, number, f"this step must have the secrets {listed(wanted) or '(none)'}")
