"""Names follow what they name: an environment can change, come back, or have a neighbour.

The templates are evaluated for pairs of environments. Where both have a resource of one id, all that Azure does not
let change must be equal; otherwise the second ``azd up`` fails. One pair is left out on purpose: an environment that
gets another region without ``azd down``. Its group ``rg-<environment>`` stays where it is, and Azure refuses with
InvalidResourceGroupLocation. With the region in the name of the group, a second app would start the same runs again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from infra.check.bicep import line
from infra.check.evaluation.deployment import GROUP, MODULE, Resource
from infra.check.evaluation.parameters import inputs
from infra.check.evaluation.values import EvaluationError, Place, Value
from infra.check.findings import Finding, Findings
from infra.check.project import MAIN, Project
from infra.check.rules.environments import FIRST, OTHERS, SUBSCRIPTION, Environment, deployed
from infra.hooks.environment import OF_HOOKS

_HOOK = Path("infra/hooks/postdeploy.py")
_DEPLOYMENT_NAME = re.compile(r'"(?P<name>connections-[^"]*)"')
_VARIABLE = re.compile(r"\{environment\['(?P<name>\w+)'\]\}")

_FIXED = {
    "Microsoft.EventGrid/systemTopics": (("properties", "source"), ("properties", "topicType")),
    "Microsoft.Authorization/roleAssignments": (
        ("properties", "principalId"),
        ("properties", "roleDefinitionId"),
    ),
    "Microsoft.KeyVault/vaults": (("properties", "tenantId"),),
}
"""What Azure does not let change, besides the location of each resource."""

_GLOBAL = {"Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults", "Microsoft.Web/sites"}
"""Types whose names are hosts."""

_DASHED = "[A-Za-z0-9-]"
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ALLOWED = {
    GROUP: r"[\w().-]{0,89}[\w()-]",
    MODULE: r"[\w().-]{1,64}",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][\w-]{2,127}",
    "Microsoft.OperationalInsights/workspaces": rf"[A-Za-z0-9]{_DASHED}{{2,61}}[A-Za-z0-9]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "Microsoft.KeyVault/vaults": rf"(?!.*--)[A-Za-z]{_DASHED}{{1,22}}[A-Za-z0-9]",
    "Microsoft.KeyVault/vaults/secrets": rf"{_DASHED}{{1,127}}",
    "Microsoft.Network/virtualNetworks": r"[A-Za-z0-9][\w.-]{0,62}\w",
    "Microsoft.Network/privateEndpoints": r"[A-Za-z0-9][\w.-]{0,62}\w",
    "Microsoft.Web/serverfarms": rf"{_DASHED}{{1,60}}",
    "Microsoft.Web/sites": rf"[A-Za-z0-9]{_DASHED}{{0,58}}[A-Za-z0-9]",
    "Microsoft.EventGrid/systemTopics": rf"{_DASHED}{{3,50}}",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": rf"{_DASHED}{{3,64}}",
    "Microsoft.Authorization/roleAssignments": _GUID,
    "Microsoft.Authorization/roleDefinitions": _GUID,
}
"""From Microsoft's page on the naming rules of resources; for system topics from that on topics."""


def check_resource_names(project: Project) -> Findings:
    yield from _outputs_are_no_inputs(project)
    if not _DEPLOYMENT_NAME.search(project.read(_HOOK)):
        yield Finding(_HOOK, 1, 'it starts no deployment with a name "connections-…" that follows the app')
    try:
        first = _resources(project, FIRST)
        others = [(one, _resources(project, one)) for one in OTHERS]
    except EvaluationError as error:
        yield Finding(error.place.file, error.place.line, error.message)
        return
    all_resources = (first, *(resources for _, resources in others))
    yield from _first_of_each_place(one for resources in all_resources for one in _allowed(resources))
    yield from _first_of_each_place(one for resources in all_resources for one in _once(resources))
    yield from _first_of_each_place(
        one for environment, resources in others for one in _fixed(first, resources, environment)
    )


def _first_of_each_place(findings: Iterable[Finding]) -> Findings:
    """One fault shows in many environments."""
    seen: set[tuple[Path, int]] = set()
    for one in findings:
        if (one.file, one.line) not in seen:
            yield one
        seen.add((one.file, one.line))


def _outputs_are_no_inputs(project: Project) -> Findings:
    """azd stores outputs in its environment, and removes each of them at ``azd down``: an input would be gone."""
    template = project.templates[MAIN]
    taken = {*inputs(project), *OF_HOOKS}
    for name, output in template.outputs.items():
        if name in taken:
            yield Finding(
                template.path,
                line(output.node),
                f"output {name} has the name of an input: azd down would remove it from the environment",
            )


def _resources(project: Project, environment: Environment) -> list[Resource]:
    found = deployed(project, environment)
    return [*found.resources, *_started_by_hook(project, found.variables)]


def _started_by_hook(project: Project, variables: Mapping[str, Value]) -> Iterator[Resource]:
    """The deployment of connections.bicep. Its name must keep its location, as for each one of a subscription."""
    script = project.read(_HOOK)
    for found in _DEPLOYMENT_NAME.finditer(script):
        name = _VARIABLE.sub(lambda match: str(variables.get(match["name"], "")), found["name"])
        scope = f"/subscriptions/{SUBSCRIPTION}"
        body = {"location": variables["AZURE_LOCATION"]}
        place = Place(_HOOK, script[: found.start()].count("\n") + 1)
        yield Resource(MODULE, "", name, f"{scope}/{MODULE}/{name}", scope, body, place)


def _allowed(resources: Iterable[Resource]) -> Findings:
    for one in resources:
        pattern = _ALLOWED.get(one.type)
        if pattern is not None and not re.fullmatch(pattern, one.name, re.ASCII):
            yield Finding(
                one.place.file,
                one.place.line,
                f"Azure does not allow the name {one.name} ({len(one.name)} characters) for {one.type}",
            )


def _once(resources: Iterable[Resource]) -> Findings:
    seen: set[str] = set()
    for one in resources:
        if one.id.lower() in seen:
            yield Finding(one.place.file, one.place.line, f"{one.type} {one.name} is deployed twice")
        seen.add(one.id.lower())


def _fixed(first: Iterable[Resource], second: Iterable[Resource], environment: Environment) -> Findings:
    gone = tuple(f"{one.id}/" for one in first if one.type == GROUP) if environment.after_down else ()
    kept = [one for one in first if not f"{one.id}/".startswith(gone)]
    known = {one.id.lower(): one for one in kept}
    taken = {one.name: one.id for one in kept if one.type in _GLOBAL}
    for one in second:
        if one.type in _GLOBAL and taken.get(one.name, one.id) != one.id:
            yield Finding(
                one.place.file,
                one.place.line,
                f"{one.type} {one.name} has a name that exists once in all of Azure:"
                f" azd up fails with {environment.what}",
            )
        before = known.get(one.id.lower())
        for path in (*_FIXED.get(one.type, ()), ("location",)):
            if before is not None and before.at(*path) != one.at(*path):
                yield Finding(
                    one.place.file,
                    one.place.line,
                    f"{one.type} keeps its name, and Azure does not let {'.'.join(path)} change:"
                    f" azd up fails with {environment.what}",
                )
