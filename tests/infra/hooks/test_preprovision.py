"""The hook that checks before azd provisions runs with a stub of the Azure CLI."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import azure_cli
from infra.hooks.azure_cli import AzureCli
from infra.hooks.azure_findings import findings_in_azure
from infra.hooks.azure_state import AzureState, DeletedVault, Topic, look_up
from tests.infra.hooks.environments import (
    ACCOUNT,
    AS_SERVICE_PRINCIPAL,
    GIVEN,
    OTHER_SUBSCRIPTION,
    SUBSCRIPTION,
    WORKSPACE,
    environment,
    system_topic,
)
from tests.infra.hooks.stub_azure import ROOT, Azure

VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-demo/providers/Microsoft.KeyVault/vaults/kv-abc"
ALL = {
    **AS_SERVICE_PRINCIPAL,
    "PRIVATE_NETWORKING": "true",
    "NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT,
    "NEW_DATA_CONTAINER": "incoming",
}
ANSWERS: dict[str, Any] = {
    "group list": [{"name": "RG-demo", "location": "westeurope"}],
    "list-flexconsumption-locations": [{"name": "westeurope"}, {"name": "northcentralus(stage)"}],
    "provider show": {"registrationState": "Registered"},
    "keyvault list-deleted": [
        {"name": "kv-old", "properties": {"location": "West Europe", "tags": {"azd-env-name": "old"}}},
        {"name": "kv-bare", "properties": {"location": "westeurope", "tags": None}},
    ],
    "keyvault list ": [{"id": VAULT}],
    f"{VAULT}/secrets?api-version=": {"value": [{"name": "batch-endpoint-client-secret"}]},
    "eventgrid system-topic list": [
        {"id": system_topic("theirs"), "source": "/somewhere", "identity": {"type": "SystemAssigned"}},
        {"id": system_topic("bare"), "source": "/else", "identity": None},
    ],
}


def looked_up(azure: Azure, **changed: str) -> AzureState:
    azure.prepare()
    return look_up(AzureCli(str(azure.path / "az")), environment(**changed))


def test_looks_up_what_the_settings_need(azure: Azure) -> None:
    azure.answers = ANSWERS
    assert looked_up(azure, **ALL) == AzureState(
        groups={"rg-demo": "westeurope"},
        regions=frozenset({"westeurope", "northcentralus"}),
        network_provider="Registered",
        secrets=frozenset({"batch-endpoint-client-secret"}),
        deleted_vaults=[
            DeletedVault("kv-old", "westeurope", "old"),
            DeletedVault("kv-bare", "westeurope", ""),
        ],
        topics=[
            Topic(system_topic("theirs"), SUBSCRIPTION, "other", "theirs", "/somewhere", True),
            Topic(system_topic("bare"), SUBSCRIPTION, "other", "bare", "/else", False),
        ],
    )
    assert len(azure.calls) == 7
    assert all(SUBSCRIPTION in call for call in azure.calls)


def test_asks_little_of_a_plain_environment(azure: Azure) -> None:
    azure.answers = ANSWERS
    looked_up(azure, AZURE_FUNCTION_APP_NAME="func-abc")
    assert [" ".join(call.split()[:3]) for call in azure.calls] == [
        "group list --subscription",
        "eventgrid system-topic list",
    ]


@pytest.mark.parametrize(
    "changed", [AS_SERVICE_PRINCIPAL, {"NOTIFICATION_WEBHOOK": "true"}], ids=["identity", "webhook"]
)
def test_whoever_keeps_a_secret_may_meet_a_deleted_vault(azure: Azure, changed: dict[str, str]) -> None:
    azure.answers = ANSWERS
    deleted = looked_up(azure, **changed).deleted_vaults
    assert [vault.name for vault in deleted or []] == ["kv-old", "kv-bare"]


def test_asks_the_subscription_of_each_source(azure: Azure) -> None:
    azure.answers = ANSWERS
    far = ACCOUNT.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
    state = looked_up(azure, NEW_DATA_STORAGE_ACCOUNT_ID=far)
    asked = [call.split()[-1] for call in azure.calls if "system-topic" in call]
    assert asked == sorted([SUBSCRIPTION, OTHER_SUBSCRIPTION])
    assert state.topics is not None and len(state.topics) == 4


def test_an_environment_without_a_group_has_no_secrets(azure: Azure) -> None:
    azure.answers = {**ANSWERS, "group list": []}
    assert looked_up(azure, **AS_SERVICE_PRINCIPAL).secrets == frozenset()
    azure.answers = {**ANSWERS, "keyvault list ": []}
    assert looked_up(azure, **AS_SERVICE_PRINCIPAL).secrets == frozenset()


@pytest.mark.parametrize("call", sorted(ANSWERS))
def test_a_look_up_that_fails_is_a_note(azure: Azure, call: str) -> None:
    azure.answers = ANSWERS
    azure.failures = {call: "ERROR: (AuthorizationFailed) you may not read\nDetails: many lines"}
    result = azure.run("preprovision", {**GIVEN, **ALL})
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("could not be looked up: (AuthorizationFailed) you may not read\n") == 1
    assert "many lines" not in result.stdout


@pytest.mark.parametrize("call", sorted(ANSWERS))
def test_an_answer_in_another_form_is_a_note(azure: Azure, call: str) -> None:
    azure.answers = {**ANSWERS, call: [{"unexpected": True}]}
    result = azure.run("preprovision", {**GIVEN, **ALL})
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("az answered in another form") == 1


def test_says_what_it_did_not_look_up_before_the_workspace_is_chosen(azure: Azure) -> None:
    azure.answers = ANSWERS
    note = "AZURE_ML_WORKSPACE_ID is not set yet"
    assert note in azure.run("preprovision", {**GIVEN, "AZURE_ML_WORKSPACE_ID": ""}).stdout
    for given in (GIVEN, {**GIVEN, "AZURE_ML_WORKSPACE_ID": "", "JOB_EVENTS": "false"}):
        assert note not in azure.run("preprovision", given).stdout


def test_an_azure_that_does_not_answer_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_cli, "_LOOK_UP_SECONDS", 0.5)
    program = tmp_path / "az"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    values = environment(**ALL)
    state = look_up(AzureCli(str(program)), values)
    assert [note.text for note in state.notes] == [
        "The resource groups could not be looked up: az group list did not end within 0.5 s."
        " Nothing more was looked up."
    ]
    assert list(findings_in_azure(values, state)) == state.notes


def test_asks_nothing_before_the_subscription_is_chosen(azure: Azure) -> None:
    result = azure.run("preprovision", {"AZURE_ENV_NAME": "demo"})
    assert result.returncode == 0
    assert "AZURE_SUBSCRIPTION_ID is not set yet" in result.stdout
    assert azure.calls == ["account show"]


def test_shows_all_problems_and_stops_azd(azure: Azure) -> None:
    azure.answers = {**ANSWERS, "group list": [{"name": "rg-demo", "location": "northeurope"}]}
    result = azure.run("preprovision", {**GIVEN, "JOB_EVENTS": "yes"})
    assert result.returncode == 1
    assert "Nothing was changed in Azure" in result.stdout
    assert "- JOB_EVENTS is 'yes'" in result.stdout
    assert "- AZURE_LOCATION is westeurope" in result.stdout
    assert "    azd env set AZURE_LOCATION northeurope\n    or: azd env new <name>\n" in result.stdout
    assert "does not offer Flex Consumption" not in result.stdout, "the region will not stay"


def test_needs_a_signed_in_azure_cli(azure: Azure) -> None:
    azure.failures = {"account show": "Please run 'az login' to setup account."}
    result = azure.run("preprovision", GIVEN)
    assert result.returncode == 1
    assert f"not signed in to subscription {SUBSCRIPTION}. Sign in with: az login\n  Please" in result.stdout
    (azure.path / "az").unlink()
    assert "Install it" in azure.run("preprovision", GIVEN).stdout


def test_knows_the_answers_that_azd_keeps(azure: Azure, tmp_path: Path) -> None:
    """At the first `azd up` the workspace is an answer, and no variable."""
    project = tmp_path / "a project"
    shutil.copytree(ROOT / "infra", project / "infra", ignore=shutil.ignore_patterns("check", "__pycache__"))
    (project / ".azure/demo").mkdir(parents=True)
    kept = {"infra": {"parameters": {"workspaceId": WORKSPACE}}}
    (project / ".azure/demo/config.json").write_text(json.dumps(kept))
    theirs = {"id": system_topic("theirs"), "source": WORKSPACE, "identity": {"type": "UserAssigned"}}
    azure.answers = {**ANSWERS, "eventgrid system-topic list": [theirs]}
    given = {name: value for name, value in GIVEN.items() if name != "AZURE_ML_WORKSPACE_ID"}

    result = azure.run("preprovision", given, project)

    assert result.returncode == 1
    assert f"azd env set EXISTING_WORKSPACE_TOPIC_ID {system_topic('theirs')}" in result.stdout
    assert "--identity systemassigned" in result.stdout
