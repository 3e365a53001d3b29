"""What a template deploys: ids and scopes, conditions, loops, modules, and what only Azure knows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.check.evaluation.surroundings import US_GOVERNMENT, Surroundings
from infra.check.evaluation.values import EvaluationError
from tests.infra.evaluation.small_project import SUBSCRIPTION, SmallProject

ACCOUNT = """
param name string
param shared bool = false
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: resourceGroup().name
}
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
}
resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' = if (shared) {
  name: '${name}/default/${name}table'
}
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: 'reader'
  scope: blobs
  properties: { principalId: account.identity.principalId }
}
output id string = account.id
output endpoint string = account.properties.primaryEndpoints.blob
output table string = shared ? table!.properties.x : table.id
"""
MAIN = """
targetScope = 'subscription'
param names array
param otherGroup string = ''
resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-main'
  location: 'westeurope'
}
resource known 'Microsoft.Web/sites@2024-11-01' existing = {
  name: 'known'
  scope: resourceGroup('two', 'elsewhere')
}
module accounts 'account.bicep' = [for (name, index) in names: if (name != 'skipped') {
  name: 'account-${index}'
  scope: group
  params: { name: name, shared: index > 0 }
}]
module other 'account.bicep' = if (!empty(otherGroup)) {
  name: 'other'
  scope: resourceGroup(otherGroup)
  params: { name: 'other' }
}
output first string = accounts[0].outputs.endpoint
output known string = known.id
output host string = 'https://${known.properties.hosts[1].name}/'
output other string = empty(otherGroup) ? '' : other!.outputs.id
"""
FILES = {"main.bicep": MAIN, "account.bicep": ACCOUNT}
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-main"
STORAGE = "providers/Microsoft.Storage/storageAccounts"


def test_resources_of_loops_and_modules_have_their_ids(tmp_path: Path) -> None:
    deployment = SmallProject(tmp_path, FILES).deploy({"names": ["one", "skipped", "three"]})

    assert [(resource.type.rpartition("/")[2], resource.id) for resource in deployment.resources] == [
        ("resourceGroups", GROUP),
        ("deployments", f"{GROUP}/providers/Microsoft.Resources/deployments/account-0"),
        ("storageAccounts", f"{GROUP}/{STORAGE}/one"),
        ("blobServices", f"{GROUP}/{STORAGE}/one/blobServices/default"),
        (
            "roleAssignments",
            f"{GROUP}/{STORAGE}/one/blobServices/default"
            "/providers/Microsoft.Authorization/roleAssignments/reader",
        ),
        ("deployments", f"{GROUP}/providers/Microsoft.Resources/deployments/account-2"),
        ("storageAccounts", f"{GROUP}/{STORAGE}/three"),
        ("blobServices", f"{GROUP}/{STORAGE}/three/blobServices/default"),
        ("tables", f"{GROUP}/{STORAGE}/three/tableServices/default/tables/threetable"),
        (
            "roleAssignments",
            f"{GROUP}/{STORAGE}/three/blobServices/default"
            "/providers/Microsoft.Authorization/roleAssignments/reader",
        ),
    ]


def test_a_resource_has_its_values_and_the_place_of_its_name(tmp_path: Path) -> None:
    deployment = SmallProject(tmp_path, FILES).deploy({"names": ["one"]})

    (account,) = deployment.of_type("Microsoft.Storage/storageAccounts")
    assert (account.api_version, account.scope) == ("2025-01-01", GROUP)
    assert account.body == {"name": "one", "location": "rg-main"}
    lines = ACCOUNT.splitlines()
    assert account.place.file == Path("infra/account.bicep")
    assert lines[account.place.line - 2].startswith("resource account")
    (reader,) = deployment.of_type("Microsoft.Authorization/roleAssignments")
    assert reader.scope.endswith("/blobServices/default")


def test_a_module_can_be_deployed_to_another_group(tmp_path: Path) -> None:
    deployment = SmallProject(tmp_path, FILES).deploy({"names": ["one"], "otherGroup": "rg-other"})
    wanted = f"{SUBSCRIPTION}/resourceGroups/rg-other/{STORAGE}/other"
    assert deployment.outputs["other"] == wanted
    assert wanted in {resource.id for resource in deployment.resources}


def test_what_only_azure_knows_names_its_source(tmp_path: Path) -> None:
    deployment = SmallProject(tmp_path, FILES).deploy({"names": ["one"]})
    assert deployment.outputs == {
        "first": "<one.properties.primaryEndpoints.blob>",
        "known": "/subscriptions/two/resourceGroups/elsewhere/providers/Microsoft.Web/sites/known",
        "host": "https://<known.properties.hosts[1].name>/",
        "other": "",
    }


def test_what_only_azure_knows_can_be_a_parameter_of_any_type(tmp_path: Path) -> None:
    main = """
param account string
resource known 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: account
}
module inner 'inner.bicep' = {
  name: 'inner'
  params: { endpoints: known.properties.primaryEndpoints }
}
output blob string = inner.outputs.blob
"""
    inner = "param endpoints object\noutput blob string = endpoints.blob\n"
    project = SmallProject(tmp_path, {"main.bicep": main, "inner.bicep": inner})
    assert project.deploy({"account": "a"}).outputs["blob"] == "<a.properties.primaryEndpoints.blob>"


def test_a_caller_can_say_what_azure_answers(tmp_path: Path) -> None:
    def answer(type_name: str, name: str) -> Mapping[str, Any]:
        if type_name != "Microsoft.Storage/storageAccounts":
            return {}
        return {"properties": {"primaryEndpoints": {"blob": f"https://{name}.example/"}}}

    surroundings = Surroundings("one", "tenant", US_GOVERNMENT, answer)
    deployment = SmallProject(tmp_path, FILES).deploy({"names": ["one"]}, surroundings)

    assert deployment.outputs["first"] == "https://one.example/"
    (reader,) = deployment.of_type("Microsoft.Authorization/roleAssignments")
    assert reader.at("properties", "principalId") == "<one.identity.principalId>"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("param names array", "param names int", "parameter names must be of type int, not '[\"one\"]'"),
        (
            "param names array",
            "@minLength(2)\nparam names array",
            "does not take '[\"one\"]': minLength is 2",
        ),
        (
            "param otherGroup string = ''",
            "@allowed(['a', 'b'])\nparam otherGroup string = ''",
            'parameter otherGroup does not take \'\': allowed is ["a","b"]',
        ),
        ("param otherGroup string = ''", "param otherGroup string", "parameter otherGroup has no value"),
        ("shared: index > 0", "shared: index", "parameter shared must be of type bool, not '0'"),
        ("empty(otherGroup) ? '' : ", "", "an output of module other is read, but it is not deployed"),
        ("known.id", "known", "a resource, a module or a lambda is no value"),
        ("accounts[0].outputs.endpoint", "accounts[0].properties", "module accounts has no properties"),
        ("  name: 'rg-main'\n", "", "group has no name"),
        (
            "module accounts 'account.",
            "module accounts 'accounts.",
            "infra/accounts.bicep does not exist",
        ),
    ],
)
def test_what_cannot_be_deployed_is_an_error(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert MAIN.count(old) == 1
    project = SmallProject(tmp_path, {**FILES, "main.bicep": MAIN.replace(old, new)})
    with pytest.raises(EvaluationError) as raised:
        project.deploy({"names": ["one"]})
    assert message in raised.value.message


def test_a_resource_that_is_not_deployed_has_an_id_and_no_values(tmp_path: Path) -> None:
    changed = ACCOUNT.replace("shared ? table!.properties.x : table.id", "table!.properties.x")
    project = SmallProject(tmp_path, {**FILES, "account.bicep": changed})
    with pytest.raises(EvaluationError, match=r"table\.properties is read, but it is not deployed"):
        project.deploy({"names": ["one"]})


def test_a_name_needs_as_many_parts_as_its_type(tmp_path: Path) -> None:
    changed = ACCOUNT.replace("'${name}/default/${name}table'", "'${name}/${name}table'")
    project = SmallProject(tmp_path, {**FILES, "account.bicep": changed})
    with pytest.raises(EvaluationError, match="one/onetable must have 3 parts"):
        project.deploy({"names": ["one"]})
