"""What the preprovision hook decides from what is in Azure."""

from dataclasses import replace
from typing import Any

import pytest

from infra.hooks.azure_findings import findings_in_azure
from infra.hooks.azure_state import AzureState, DeletedVault, Topic
from infra.hooks.report import Note, Problem
from tests.infra.hooks.environments import (
    ACCOUNT,
    AS_SERVICE_PRINCIPAL,
    OTHER_SUBSCRIPTION,
    SUBSCRIPTION,
    WORKSPACE,
    environment,
    system_topic,
)

CLIENT_SECRET = "batch-endpoint-client-secret"
WEBHOOK = {"NOTIFICATION_WEBHOOK": "true"}


def topic(name: str, source: str = WORKSPACE, group: str = "other", has_identity: bool = True) -> Topic:
    return Topic(system_topic(name, group), SUBSCRIPTION, group, name, source, has_identity)


def found(state: AzureState, **changed: str) -> list[Problem | Note]:
    return list(findings_in_azure(environment(**changed), state))


def only_problem(state: AzureState, **changed: str) -> Problem:
    (problem,) = found(state, **changed)
    assert isinstance(problem, Problem)
    return problem


def test_nothing_is_wrong_where_nothing_was_looked_up() -> None:
    assert found(AzureState()) == []
    assert found(AzureState(), **AS_SERVICE_PRINCIPAL, PRIVATE_NETWORKING="true") == []


def test_nothing_is_wrong_with_a_deployment_that_is_repeated() -> None:
    state = AzureState(
        groups={"rg-demo": "westeurope"},
        regions=frozenset({"westeurope"}),
        network_provider="Registered",
        secrets=frozenset({CLIENT_SECRET}),
        deleted_vaults=[DeletedVault("kv-else", "westeurope", "another")],
        topics=[topic("egst-jobs-fedcba987", group="RG-demo")],
    )
    changed = {**AS_SERVICE_PRINCIPAL, "PRIVATE_NETWORKING": "true", "AZURE_FUNCTION_APP_NAME": "func-abc"}
    assert found(state, **changed) == []


def test_a_group_keeps_its_region() -> None:
    problem = only_problem(AzureState(groups={"rg-demo": "northeurope"}))
    assert "rg-demo is in northeurope" in problem.what
    assert "azd env set AZURE_LOCATION northeurope" in problem.remedy


def test_a_region_without_flex_consumption() -> None:
    problem = only_problem(AzureState(regions=frozenset({"swedencentral"})), AZURE_LOCATION="West Europe")
    assert "westeurope, which does not offer Flex Consumption" in problem.what


def test_private_networking_needs_a_provider() -> None:
    problem = only_problem(AzureState(network_provider="NotRegistered"), PRIVATE_NETWORKING="true")
    command = f"az provider register --namespace Microsoft.App --wait --subscription {SUBSCRIPTION}"
    assert problem.remedy == (command,)


@pytest.mark.parametrize(
    ("changed", "variable"),
    [(AS_SERVICE_PRINCIPAL, "BATCH_CLIENT_SECRET"), (WEBHOOK, "NOTIFICATION_URL")],
)
def test_a_secret_that_is_neither_given_nor_kept(changed: dict[str, str], variable: str) -> None:
    problem = only_problem(AzureState(secrets=frozenset()), **changed)
    assert f"{variable} is not given" in problem.what
    assert problem.remedy[0] == f"{variable}='...' azd up"
    assert f"$env:{variable}" in problem.remedy[1]
    given = {variable: "https://x.example/secret"}
    assert found(AzureState(secrets=frozenset()), **changed, **given) == []
    assert found(AzureState(secrets=None), **changed) == []


def test_one_secret_does_not_stand_for_the_other() -> None:
    state = AzureState(secrets=frozenset({"notification-url"}))
    assert "BATCH_CLIENT_SECRET" in only_problem(state, **AS_SERVICE_PRINCIPAL, **WEBHOOK).what


def test_a_deleted_vault_of_this_environment() -> None:
    vault = DeletedVault("kv-abc", "westeurope", "demo")
    state = AzureState(groups={}, secrets=frozenset(), deleted_vaults=[vault])
    problem = only_problem(state, **AS_SERVICE_PRINCIPAL)
    create, recover = problem.remedy
    assert create.startswith("az group create --name rg-demo --location westeurope --tags azd-env-name=demo")
    assert recover.startswith("az keyvault recover --name kv-abc --location westeurope")

    present = AzureState(groups={"rg-demo": "westeurope"}, deleted_vaults=[vault])
    assert len(only_problem(present, **AS_SERVICE_PRINCIPAL).remedy) == 1

    elsewhere = replace(vault, location="northeurope")
    assert found(AzureState(deleted_vaults=[elsewhere]), **AS_SERVICE_PRINCIPAL) == []


@pytest.mark.parametrize(
    ("source", "changed", "existing"),
    [
        (WORKSPACE, {}, "EXISTING_WORKSPACE_TOPIC_ID"),
        (WORKSPACE.upper(), {}, "EXISTING_WORKSPACE_TOPIC_ID"),
        (ACCOUNT, {"NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT}, "EXISTING_DATA_TOPIC_ID"),
    ],
)
def test_a_source_that_has_a_topic_already(source: str, changed: dict[str, str], existing: str) -> None:
    theirs = topic("theirs", source)
    problem = only_problem(AzureState(topics=[theirs]), **changed)
    assert "has the system topic theirs already, in the resource group other" in problem.what
    assert problem.remedy == (f"azd env set {existing} {theirs.id}",)

    problem = only_problem(AzureState(topics=[replace(theirs, has_identity=False)]), **changed)
    assert "--name theirs --identity systemassigned" in problem.remedy[0]


def test_a_topic_of_a_source_that_sends_nothing_to_this_app() -> None:
    assert found(AzureState(topics=[topic("theirs")]), JOB_EVENTS="false") == []
    assert found(AzureState(topics=[topic("theirs", ACCOUNT)])) == []


def test_a_topic_that_an_earlier_version_named() -> None:
    state = AzureState(topics=[topic("egst-jobs-abc", group="rg-demo")])
    problem = only_problem(state, AZURE_FUNCTION_APP_NAME="func-abc")
    assert "EXISTING_WORKSPACE_TOPIC_ID" in problem.remedy[-1]


def test_an_existing_topic_that_fits() -> None:
    theirs = topic("theirs")
    state = AzureState(topics=[replace(theirs, source=WORKSPACE.upper())])
    assert found(state, EXISTING_WORKSPACE_TOPIC_ID=theirs.id.upper()) == []
    in_another_subscription = system_topic("far", subscription=OTHER_SUBSCRIPTION)
    assert found(state, EXISTING_WORKSPACE_TOPIC_ID=in_another_subscription) == []


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"source": ACCOUNT}, "the system topic of another source", "azd env set"),
        (
            {"has_identity": False},
            "a system topic without a system-assigned identity",
            "--identity systemassigned",
        ),
    ],
)
def test_an_existing_topic_that_does_not_fit(change: dict[str, Any], what: str, remedy: str) -> None:
    state = AzureState(topics=[replace(topic("theirs"), **change)])
    problem = only_problem(state, EXISTING_WORKSPACE_TOPIC_ID=system_topic("theirs"))
    assert f"EXISTING_WORKSPACE_TOPIC_ID names {what}" in problem.what
    assert remedy in problem.remedy[-1]


def test_an_existing_topic_that_is_gone() -> None:
    """``azd down`` deleted it, where it had an old name or another environment made it."""
    changed = {"EXISTING_WORKSPACE_TOPIC_ID": system_topic("gone")}
    problem = only_problem(AzureState(topics=[topic("of-data", ACCOUNT)]), **changed)
    assert "EXISTING_WORKSPACE_TOPIC_ID names a system topic that is not there" in problem.what
    assert problem.remedy == ('azd env set EXISTING_WORKSPACE_TOPIC_ID ""',)

    own = topic("egst-jobs-fedcba987", group="rg-demo")
    assert only_problem(AzureState(topics=[own]), **changed).remedy == problem.remedy

    theirs = topic("theirs", has_identity=False)
    identity, use = only_problem(AzureState(topics=[theirs]), **changed).remedy
    assert "--name theirs --identity systemassigned" in identity
    assert use == f"azd env set EXISTING_WORKSPACE_TOPIC_ID {theirs.id}"


def test_a_source_in_another_subscription_is_a_note() -> None:
    far = WORKSPACE.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
    (note,) = found(AzureState(topics=[]), AZURE_ML_WORKSPACE_ID=far)
    assert isinstance(note, Note)
    assert "EXISTING_WORKSPACE_TOPIC_ID" in note.text
