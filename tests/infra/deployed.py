"""An environment of azd, deployed in thought: both templates evaluated, with what Azure would answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infra.check.evaluation.deployment import Deployment, Resource, deploy
from infra.check.evaluation.parameters import connection_parameters, main_parameters
from infra.check.evaluation.surroundings import PUBLIC, Cloud, Surroundings
from infra.check.project import CONNECTIONS, MAIN, Project

ROOT = Path(__file__).parents[2]
RULES = Path("infra/new-data-rules.json")
SUBSCRIPTION = "2d9a7b44-8f13-4f0b-b6f5-90c4a1d5e202"
TENANT = "6b1c8f0e-2f43-4f65-9a3e-4f2f0a7c1d11"
EVENT_GRID_HOSTS = {
    "AzureCloud": "eventgrid.azure.net",
    "AzureUSGovernment": "eventgrid.azure.us",
    "AzureChinaCloud": "eventgrid.azure.cn",
}


def resource_id(type_name: str, name: str, group: str = "shared") -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{type_name}/{name}"


def workspace_id(name: str) -> str:
    return resource_id("Microsoft.MachineLearningServices/workspaces", name)


def account_id(name: str) -> str:
    return resource_id("Microsoft.Storage/storageAccounts", name)


def topic_id(name: str) -> str:
    return resource_id("Microsoft.EventGrid/systemTopics", name, "events")


MINIMAL = {
    "AZURE_ENV_NAME": "dev",
    "AZURE_LOCATION": "westeurope",
    "AZURE_ML_WORKSPACE_ID": workspace_id("scores"),
    "BATCH_ENDPOINT_URI": "https://scores.westeurope.inference.ml.azure.com/jobs",
}
NEW_DATA = {"NEW_DATA_STORAGE_ACCOUNT_ID": account_id("lake"), "NEW_DATA_CONTAINER": "incoming"}
SERVICE_PRINCIPAL = {
    "BATCH_IDENTITY": "ServicePrincipal",
    "BATCH_TENANT_ID": TENANT,
    "BATCH_CLIENT_ID": "0f5a9c3e-7a52-4a7e-8f6e-0a2b6f1d2c33",
    "BATCH_OBJECT_ID": "9e8d7c6b-5a4f-4e3d-8c2b-1a0f9e8d7c6b",
    "BATCH_CLIENT_SECRET": "a secret",
}
NOTIFICATIONS = {
    "NOTIFICATION_TOPIC_ID": resource_id("Microsoft.EventGrid/topics", "ended"),
    "NOTIFICATION_WEBHOOK": "true",
    "NOTIFICATION_URL": "https://hooks.example.com/ended",
}


@dataclass(frozen=True)
class Deployed:
    main: Deployment
    connections: Deployment

    @property
    def ids(self) -> set[str]:
        """Of all resources but deployments: those are records, and stay."""
        resources = (*self.main.resources, *self.connections.resources)
        return {one.id for one in resources if one.type != "Microsoft.Resources/deployments"}

    @property
    def settings(self) -> dict[str, str]:
        """The app settings."""
        (found,) = [
            one for one in self.main.of_type("Microsoft.Web/sites/config") if one.name == "appsettings"
        ]
        assert all(isinstance(value, str) for value in found.body["properties"].values())
        return dict(found.body["properties"])

    @property
    def topics(self) -> dict[str, Resource]:
        """The system topics that the template creates, by their sources."""
        found = self.main.of_type("Microsoft.EventGrid/systemTopics")
        return {one.at("properties", "source"): one for one in found}

    @property
    def subscriptions(self) -> dict[str, Resource]:
        """The event subscriptions, by the names of their deployments without the name of the app."""
        app = self.main.outputs["AZURE_FUNCTION_APP_NAME"]
        found = self.connections.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")
        return {one.name.removesuffix(f"-{app}"): one for one in found}


def up(variables: Mapping[str, str], cloud: Cloud = PUBLIC, rules: str | None = None) -> Deployed:
    """``rules`` is the text of new-data-rules.json; without it, that of the repository."""
    project = Project(ROOT, {} if rules is None else {RULES: rules})
    surroundings = Surroundings(SUBSCRIPTION, TENANT, cloud, lambda kind, name: _answer(cloud, kind, name))
    main = deploy(project, project.templates[MAIN], main_parameters(project, variables), surroundings)
    wanted = connection_parameters(project, main.outputs, variables)
    return Deployed(main, deploy(project, project.templates[CONNECTIONS], wanted, surroundings))


def _answer(cloud: Cloud, kind: str, name: str) -> Mapping[str, Any]:
    services = ("blob", "queue", "table", "dfs", "file")
    answers: dict[str, Mapping[str, Any]] = {
        "Microsoft.ManagedIdentity/userAssignedIdentities": {
            "properties": {"clientId": _guid("client", name), "principalId": _guid("principal", name)}
        },
        "Microsoft.Storage/storageAccounts": {
            "location": "westeurope",
            "properties": {
                "primaryEndpoints": {
                    service: f"https://{name}.{service}.{cloud.storage_suffix}/" for service in services
                }
            },
        },
        "Microsoft.MachineLearningServices/workspaces": {"location": "westeurope"},
        "Microsoft.EventGrid/systemTopics": {"identity": {"principalId": _guid("principal", name)}},
        "Microsoft.EventGrid/topics": {
            "properties": {
                "endpoint": f"https://{name}.westeurope-1.{EVENT_GRID_HOSTS[cloud.name]}/api/events"
            }
        },
        "Microsoft.DurableTask/schedulers": {
            "properties": {"endpoint": f"https://{name}-abc.westeurope.durabletask.io"}
        },
        "Microsoft.KeyVault/vaults": {"properties": {"vaultUri": f"https://{name}{cloud.key_vault_dns}/"}},
        "Microsoft.Web/sites": {"properties": {"defaultHostName": f"{name}.azurewebsites.net"}},
    }
    return answers.get(kind, {})


def _guid(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(parts)))
