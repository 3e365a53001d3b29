"""Environments of azd: the app starts with the settings of each, and a second one does not touch the first."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from batch.addresses import CLOUDS
from batch.new_data.settings import NewData
from batch.notification.settings import NotificationSettings
from batch.settings import Settings
from infra.check.evaluation.parameters import inputs, main_parameters
from infra.check.evaluation.surroundings import CHINA, PUBLIC, US_GOVERNMENT, Cloud
from infra.check.project import MAIN, Project
from infra.hooks.settings import SCHEDULER_DAYS
from ledger.connection import find_store
from ledger.storage_account import Identity, StorageAccount
from tests.infra.deployed import (
    MINIMAL,
    NEW_DATA,
    NOTIFICATIONS,
    ROOT,
    SERVICE_PRINCIPAL,
    SUBSCRIPTION,
    TENANT,
    account_id,
    topic_id,
    up,
    workspace_id,
)

SECOND = {**MINIMAL, "AZURE_ENV_NAME": "prod"}
ALL = {**MINIMAL, **NEW_DATA, **SERVICE_PRINCIPAL, **NOTIFICATIONS, "PRIVATE_NETWORKING": "true"}
SCHEDULER = {**MINIMAL, "DURABLE_BACKEND": "DurableTaskScheduler"}
NIGHTLY = {
    "start": "schedule",
    "name": "nightly",
    "cron": "0 2 * * *",
    "input_uri": "azureml://datastores/d/paths/p/",
}
UPLOADS = {"container": "incoming", "start": "file"}
ENVIRONMENTS = {
    "as few options as possible": MINIMAL,
    "no job events": {**MINIMAL, "JOB_EVENTS": "false"},
    "new data": {**MINIMAL, **NEW_DATA},
    "new data with all its options": {
        **MINIMAL,
        **NEW_DATA,
        "NEW_DATA_PREFIX": "daily/",
        "NEW_DATA_START": "marker",
        "NEW_DATA_MARKER": "_DONE",
        "NEW_DATA_QUIET_SECONDS": "5",
        "NEW_DATA_LONGEST_WAIT_SECONDS": "10",
        "NEW_DATA_INPUT_URI": "azureml://datastores/lake/paths/{folder}/",
        "NEW_DATA_OUTPUT_URI": "azureml://datastores/out/paths/{run_id}.csv",
    },
    "a service principal": {**MINIMAL, **SERVICE_PRINCIPAL},
    "notifications": {**MINIMAL, **NOTIFICATIONS},
    "private networking": {**MINIMAL, "PRIVATE_NETWORKING": "true"},
    "the scheduler": SCHEDULER,
    "everything": ALL,
    "everything with the scheduler": {**ALL, **SCHEDULER},
    "a sign-in": {**MINIMAL, "SIGN_IN_CLIENT_ID": "11111111-2222-3333-4444-555555555555"},
    "further options": {
        **MINIMAL,
        "ALLOWED_ENDPOINT_ORIGINS": "https://other.eastus.inference.ml.azure.com",
        "RUN_RETENTION_DAYS": "3650",
        "SUBMISSION_SETTLE_SECONDS": "3600",
        "PUBLIC_BASE_URL": "https://api.example.com/batch",
        "DURABLE_MANAGEMENT_URLS": "true",
        "DEFAULT_OUTPUT_URI": "none",
    },
}


def _loads(settings: Mapping[str, str]) -> tuple[Settings, NewData, NotificationSettings, StorageAccount]:
    """What the app reads at its import. A wrong setting raises SettingsError, and the app would not start."""
    platform = {**settings, "WEBSITE_HOSTNAME": "app.azurewebsites.net"}
    app = Settings.from_environment(platform)
    store = find_store(platform, app.cloud)
    assert isinstance(store, StorageAccount)
    return (
        app,
        NewData.from_environment(platform, app),
        NotificationSettings.from_environment(platform, app.cloud, app.public_base),
        store,
    )


@pytest.mark.parametrize("cloud", [PUBLIC, US_GOVERNMENT, CHINA], ids=lambda cloud: cloud.name)
@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_app_starts_with_its_settings(variables: Mapping[str, str], cloud: Cloud) -> None:
    deployed = up(variables, cloud)
    settings = deployed.settings

    app, new_data, notifications, store = _loads(settings)

    assert str(app.workspace_id) == variables["AZURE_ML_WORKSPACE_ID"]
    assert app.endpoint_uri is not None
    assert app.allows(app.endpoint_uri)
    assert (app.cloud, app.ml_audience) == (_known(cloud), _known(cloud).ml_audience)
    assert settings["AZURE_AUTHORITY_HOST"].strip("/") == f"https://{_known(cloud).login_host}"
    assert app.arm_audience == f"https://{_known(cloud).arm_host}"
    account = deployed.main.outputs["CONNECT_DEAD_LETTER_STORAGE_NAME"]
    assert store == StorageAccount(
        account,
        f"https://{account}.{app.cloud.table_suffix}",
        Identity(True, settings["AzureWebJobsStorage__clientId"]),
    )
    assert new_data.topic == variables.get("NEW_DATA_STORAGE_ACCOUNT_ID", "")
    assert [rule.container for rule in new_data.rules] == (
        ["incoming"] if "NEW_DATA_CONTAINER" in variables else []
    )
    assert len(notifications.receivers) == (2 if "NOTIFICATION_URL" in variables else 0)


@pytest.mark.parametrize("cloud", [PUBLIC, US_GOVERNMENT, CHINA], ids=lambda cloud: cloud.name)
def test_it_does_not_matter_whether_a_cloud_ends_its_urls_with_a_slash(cloud: Cloud) -> None:
    bare = _without_slashes(cloud)
    assert _loads(up(ALL, bare).settings) == _loads(up(ALL, cloud).settings)


@pytest.mark.parametrize("cloud", [PUBLIC, US_GOVERNMENT, CHINA], ids=lambda cloud: cloud.name)
def test_people_sign_in_to_the_tenant_in_the_cloud_of_the_app(cloud: Cloud) -> None:
    for spelling in (cloud, _without_slashes(cloud)):
        (sign_in,) = [
            one
            for one in up(ENVIRONMENTS["a sign-in"], spelling).main.of_type("Microsoft.Web/sites/config")
            if one.name == "authsettingsV2"
        ]
        registration = sign_in.at("properties", "identityProviders", "azureActiveDirectory", "registration")
        assert registration["openIdIssuer"] == f"https://{_known(cloud).login_host}/{TENANT}/v2.0"


def _without_slashes(cloud: Cloud) -> Cloud:
    return replace(
        cloud,
        resource_manager=cloud.resource_manager.rstrip("/"),
        login_endpoint=cloud.login_endpoint.rstrip("/"),
    )


def _sign_in(variables: Mapping[str, str], cloud: Cloud = PUBLIC) -> Mapping[str, Any]:
    """What the sign-in knows of Microsoft Entra."""
    configs = up({**ENVIRONMENTS["a sign-in"], **variables}, cloud).main.of_type("Microsoft.Web/sites/config")
    (sign_in,) = (one for one in configs if one.name == "authsettingsV2")
    entra: Mapping[str, Any] = sign_in.at("properties", "identityProviders", "azureActiveDirectory")
    return entra


@pytest.mark.parametrize(
    ("programs", "named"), [("", []), ("factory-id", ["factory-id"]), ("a, b,,a", ["a", "b"])]
)
def test_the_sign_in_takes_tokens_of_the_programs_that_are_named(programs: str, named: list[str]) -> None:
    validation = _sign_in({"SIGN_IN_PROGRAMS": programs})["validation"]
    of_the_login, of_the_azure_cli, *others = validation["defaultAuthorizationPolicy"]["allowedApplications"]
    assert of_the_login == ENVIRONMENTS["a sign-in"]["SIGN_IN_CLIENT_ID"]
    assert f'"appId": "{of_the_azure_cli}"' in (ROOT / "docs/sign-in.md").read_text()
    assert others == named


@pytest.mark.parametrize("cloud", [PUBLIC, US_GOVERNMENT, CHINA], ids=lambda cloud: cloud.name)
def test_the_sign_in_asks_the_login_of_its_cloud(cloud: Cloud) -> None:
    bare = replace(cloud, login_endpoint=cloud.login_endpoint.rstrip("/"))
    issuer = f"{bare.login_endpoint}/{TENANT}/v2.0"
    for one in (cloud, bare):
        assert _sign_in({}, one)["registration"]["openIdIssuer"] == issuer


def _known(cloud: Cloud) -> object:
    return next(one for one in CLOUDS if f"//{one.arm_host}/" in cloud.resource_manager)


@pytest.mark.parametrize("variables", [MINIMAL, {**MINIMAL, **NEW_DATA}], ids=["no account", "an account"])
@pytest.mark.parametrize(
    ("rules", "uploads", "schedules"),
    [([], 0, 0), ([NIGHTLY], 0, 1), ([UPLOADS], 1, 0), ([UPLOADS, NIGHTLY], 1, 1)],
    ids=["no rule", "the clock", "uploads", "both"],
)
def test_the_app_starts_with_the_rules_of_the_file(
    variables: Mapping[str, str], rules: list[object], uploads: int, schedules: int
) -> None:
    watches = "NEW_DATA_STORAGE_ACCOUNT_ID" in variables
    _, new_data, _, _ = _loads(up(variables, rules=json.dumps(rules)).settings)
    # Without rules in the file, the plain settings are one.
    assert len(new_data.rules) == ((uploads or not rules) if watches else 0)
    assert len(new_data.schedules) == schedules


@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_after_down_the_same_environment_comes_up_again(variables: Mapping[str, str]) -> None:
    project = Project(ROOT, {})
    first = up(variables)
    stored = {**variables, **{name: str(value) for name, value in first.main.outputs.items()}}
    assert main_parameters(project, stored) == main_parameters(project, variables), "a second azd up"

    after_down = {name: value for name, value in stored.items() if name not in first.main.outputs}

    assert after_down == variables
    assert up(after_down).settings == first.settings
    assert up(after_down).ids == first.ids


def test_an_output_that_is_an_input_would_be_gone_after_down() -> None:
    """So it was once: the app did not start, because its rule had no container any more."""
    text = (ROOT / MAIN).read_text().replace("output CONNECT_NEW_DATA_", "output NEW_DATA_")
    changed = Project(ROOT, {MAIN: text})
    taken = changed.templates[MAIN].outputs.keys() & inputs(changed).keys()
    assert taken == {"NEW_DATA_CONTAINER", "NEW_DATA_PREFIX", "NEW_DATA_START", "NEW_DATA_MARKER"}
    assert not Project(ROOT, {}).templates[MAIN].outputs.keys() & inputs(changed).keys()


def _kinds(ids: set[str]) -> list[str]:
    """The types of resources with these ids: the parts between the last provider and the name."""
    kinds = set()
    for one in ids:
        provider, *parts = one.rpartition("/providers/")[2].split("/")
        kinds.add("/".join([provider, *parts[::2]]))
    return sorted(kinds)


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        (
            {"AZURE_ML_WORKSPACE_ID": workspace_id("others")},
            [
                "Microsoft.Authorization/roleAssignments",
                "Microsoft.EventGrid/systemTopics",
                "Microsoft.EventGrid/systemTopics/eventSubscriptions",
            ],
        ),
        (
            {"NEW_DATA_STORAGE_ACCOUNT_ID": account_id("others")},
            [
                "Microsoft.Authorization/roleAssignments",
                "Microsoft.EventGrid/systemTopics",
                "Microsoft.EventGrid/systemTopics/eventSubscriptions",
            ],
        ),
        (
            {"BATCH_OBJECT_ID": SERVICE_PRINCIPAL["BATCH_CLIENT_ID"]},
            ["Microsoft.Authorization/roleAssignments"],
        ),
        ({"BATCH_ENDPOINT_URI": "https://others.eastus.inference.ml.azure.com/jobs"}, []),
    ],
    ids=["workspace", "storage account", "service principal", "endpoint"],
)
def test_names_differ_exactly_where_they_must(changed: dict[str, str], kinds: list[str]) -> None:
    before, after = up(ALL).ids, up({**ALL, **changed}).ids
    assert _kinds(after - before) == kinds
    assert _kinds(before - after) == kinds


def test_two_environments_share_the_custom_role_and_not_its_assignment() -> None:
    first, second = (up({**one, "WORKSPACE_ROLE": "Custom"}) for one in (MINIMAL, SECOND))
    assert _kinds(first.ids & second.ids) == ["Microsoft.Authorization/roleDefinitions"]
    (role,), (same,) = (
        one.connections.of_type("Microsoft.Authorization/roleDefinitions") for one in (first, second)
    )
    assert role.body == same.body


def test_letter_case_of_a_workspace_id_is_no_other_workspace() -> None:
    shouted = {**MINIMAL, "AZURE_ML_WORKSPACE_ID": workspace_id("scores").upper()}
    (before,), (after,) = up(MINIMAL).topics.values(), up(shouted).topics.values()
    assert before.name == after.name


@pytest.mark.parametrize(
    "second", [SECOND, {**SECOND, "AZURE_LOCATION": "northeurope"}], ids=["same region", "another region"]
)
def test_a_second_environment_shares_the_source_of_its_topic_only(second: Mapping[str, str]) -> None:
    first, other = up(MINIMAL), up(second)
    assert not first.ids & other.ids
    # Azure refuses the second topic of one source: "Only one system topic is allowed per source".
    assert first.topics.keys() & other.topics.keys() == {workspace_id("scores")}

    (shared,) = first.topics.values()
    allowed = up({**second, "EXISTING_WORKSPACE_TOPIC_ID": shared.id})

    assert not allowed.topics
    assert not first.ids & allowed.ids
    subscription = allowed.subscriptions["job-events"]
    assert subscription.id.startswith(f"{shared.id}/eventSubscriptions/job-events-func-")
    assert allowed.main.outputs["AZURE_FUNCTION_APP_NAME"] in subscription.at(
        "properties", "destination", "properties", "resourceId"
    )


def test_events_of_topics_that_exist_come_to_the_app() -> None:
    existing = {
        "EXISTING_WORKSPACE_TOPIC_ID": topic_id("of-workspace"),
        "EXISTING_DATA_TOPIC_ID": topic_id("of-data"),
    }
    deployed = up({**MINIMAL, **NEW_DATA, **existing})

    assert not deployed.topics
    assert {
        name: one.id.rpartition("/eventSubscriptions/")[0] for name, one in deployed.subscriptions.items()
    } == {"job-events": topic_id("of-workspace"), "new-data": topic_id("of-data")}
    # Each topic writes its dead letters with its own identity.
    letters = [
        one
        for one in deployed.main.of_type("Microsoft.Authorization/roleAssignments")
        if one.scope.endswith("/containers/dead-letters")
    ]
    assert len({one.at("properties", "principalId") for one in letters}) == 2


def test_without_job_events_and_new_data_there_is_no_topic() -> None:
    deployed = up({**MINIMAL, "JOB_EVENTS": "false"})
    assert not deployed.topics
    assert not deployed.subscriptions


@pytest.mark.parametrize("cloud", [PUBLIC, US_GOVERNMENT, CHINA], ids=lambda cloud: cloud.name)
def test_private_networking_reaches_all_that_it_closes(cloud: Cloud) -> None:
    deployed = up(ALL, cloud)
    closed = [
        one
        for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults")
        for one in deployed.main.of_type(kind)
    ]
    assert len(closed) == 2
    assert {one.at("properties", "publicNetworkAccess") for one in closed} == {"Disabled"}
    connections = [
        one.at("properties", "privateLinkServiceConnections")[0]["properties"]
        for one in deployed.main.of_type("Microsoft.Network/privateEndpoints")
    ]
    reached = {(one["privateLinkServiceId"], *one["groupIds"]) for one in connections}
    account, vault = (one.id for one in closed)
    assert reached >= {(account, "blob"), (account, "queue"), (account, "table"), (vault, "vault")}
    assert {one.name for one in deployed.main.of_type("Microsoft.Network/privateDnsZones")} == {
        f"privatelink.{group}.{cloud.storage_suffix}" for _, group in reached if group != "vault"
    } | {f"privatelink.vaultcore{cloud.key_vault_dns.removeprefix('.vault')}"}
    (app,) = deployed.main.of_type("Microsoft.Web/sites")
    assert app.at("properties", "virtualNetworkSubnetId")


def test_the_scheduler_has_its_connection_and_no_role_for_queues() -> None:
    deployed, usual = up(SCHEDULER), up(MINIMAL)
    (scheduler,) = deployed.main.of_type("Microsoft.DurableTask/schedulers")
    connection = deployed.settings["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"]
    assert connection.startswith(f"Endpoint=https://{scheduler.name}-")
    queues = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
    roles = {
        which: [
            one.at("properties", "roleDefinitionId").rpartition("/")[2]
            for one in environment.main.of_type("Microsoft.Authorization/roleAssignments")
        ]
        for which, environment in (("scheduler", deployed), ("storage", usual))
    }
    assert queues in roles["storage"]
    assert queues not in roles["scheduler"]


@pytest.mark.parametrize(
    ("wanted", "backend", "kept"),
    [
        ("7", "AzureStorage", 7),
        ("3650", "AzureStorage", 3650),
        ("7", "DurableTaskScheduler", 7),
        ("3650", "DurableTaskScheduler", SCHEDULER_DAYS),
    ],
)
def test_the_app_purges_a_run_before_the_scheduler_does(wanted: str, backend: str, kept: int) -> None:
    deployed = up({**MINIMAL, "RUN_RETENTION_DAYS": wanted, "DURABLE_BACKEND": backend})
    assert deployed.settings["RUN_RETENTION_DAYS"] == str(kept)
    for policy in deployed.main.of_type("Microsoft.DurableTask/schedulers/retentionPolicies"):
        (only,) = policy.at("properties", "retentionPolicies")
        assert only["retentionPeriodInDays"] == SCHEDULER_DAYS + 1


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({}, {}),
        ({"BATCH_CLIENT_SECRET": "one"}, {"batch-endpoint-client-secret": "one"}),
        ({"NOTIFICATION_URL": "https://two"}, {"notification-url": "https://two"}),
    ],
    ids=["none", "the client secret", "the webhook"],
)
def test_a_secret_that_is_not_given_keeps_its_value_in_the_vault(
    given: dict[str, str], written: dict[str, str]
) -> None:
    without = {**ALL, "BATCH_CLIENT_SECRET": "", "NOTIFICATION_URL": ""}
    secrets = up({**without, **given}).main.of_type("Microsoft.KeyVault/vaults/secrets")
    assert {secret.name: secret.at("properties", "value") for secret in secrets} == written


def test_the_service_principal_calls_and_the_managed_identity_does_the_rest() -> None:
    deployed = up({**MINIMAL, **SERVICE_PRINCIPAL})
    settings = deployed.settings
    assert (settings["AZURE_CLIENT_ID"], settings["AZURE_TENANT_ID"]) == (
        SERVICE_PRINCIPAL["BATCH_CLIENT_ID"],
        TENANT,
    )
    assert settings["AZURE_CLIENT_SECRET"].startswith("@Microsoft.KeyVault(SecretUri=https://kv-")
    assert SERVICE_PRINCIPAL["BATCH_CLIENT_SECRET"] not in settings.values()
    (on_workspace,) = deployed.connections.of_type("Microsoft.Authorization/roleAssignments")
    assert on_workspace.at("properties", "principalId") == SERVICE_PRINCIPAL["BATCH_OBJECT_ID"]
    assert on_workspace.scope == workspace_id("scores")


def test_no_output_holds_a_secret() -> None:
    secrets = [SERVICE_PRINCIPAL["BATCH_CLIENT_SECRET"], NOTIFICATIONS["NOTIFICATION_URL"]]
    outputs = json.dumps(up(ALL).main.outputs)
    assert not [secret for secret in secrets if secret in outputs]
    assert SUBSCRIPTION in outputs


def test_the_group_of_an_environment_does_not_name_its_region() -> None:
    """Azure then refuses another region without azd down, which would otherwise make a second app."""
    moved = {**MINIMAL, "AZURE_LOCATION": "northeurope"}
    (before,), (after,) = (
        up(one).main.of_type("Microsoft.Resources/resourceGroups") for one in (MINIMAL, moved)
    )
    assert before.id == after.id
    assert before.at("location") != after.at("location")


def test_the_command_for_the_key_does_not_depend_on_the_subscription_of_the_azure_cli() -> None:
    outputs = up(MINIMAL).main.outputs
    words = str(outputs["GET_KEY_COMMAND"]).split()
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert words[:4] == ["az", "functionapp", "keys", "list"]
    assert given["--subscription"] == SUBSCRIPTION
    assert given["--name"] == outputs["AZURE_FUNCTION_APP_NAME"]
