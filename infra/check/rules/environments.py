"""The environments that rules compare: one with everything, and others that differ from it in one way."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.check.evaluation.deployment import Resource, deploy
from infra.check.evaluation.parameters import connection_parameters, main_parameters
from infra.check.evaluation.surroundings import Surroundings
from infra.check.evaluation.values import Value
from infra.check.project import CONNECTIONS, MAIN, Project

SUBSCRIPTION = "10000000-0000-4000-8000-000000000000"
_TENANT = "20000000-0000-4000-8000-000000000000"


def _resource_id(type_name: str, name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/{type_name}/{name}"


def _workspace(name: str) -> dict[str, str]:
    return {"AZURE_ML_WORKSPACE_ID": _resource_id("Microsoft.MachineLearningServices/workspaces", name)}


def _data(name: str) -> dict[str, str]:
    return {"NEW_DATA_STORAGE_ACCOUNT_ID": _resource_id("Microsoft.Storage/storageAccounts", name)}


@dataclass(frozen=True, slots=True)
class Environment:
    """``after_down``: ``azd down`` came between. The groups are gone then, and Azure gives new identities.

    ``regions`` are those of the workspace and the data storage account where they are not the usual one.
    """

    what: str
    variables: Mapping[str, str]
    after_down: bool = False
    regions: Mapping[str, str] | None = None

    def answer(self, type_name: str, name: str) -> Mapping[str, Value]:
        principal = f"principal of {name}, made {'again' if self.after_down else 'once'}"
        known: dict[str, Value] = {"location": (self.regions or {}).get(name, "westeurope")}
        if type_name == "Microsoft.ManagedIdentity/userAssignedIdentities":
            known["properties"] = {"principalId": principal}
        if type_name == "Microsoft.EventGrid/systemTopics":
            known["identity"] = {"principalId": principal}
        return known


_MINIMAL = {
    "AZURE_ENV_NAME": "dev",
    "AZURE_LOCATION": "westeurope",
    "BATCH_ENDPOINT_URI": "https://scores.westeurope.inference.ml.azure.com/jobs",
    **_workspace("first"),
}
_SERVICE_PRINCIPAL = {
    "BATCH_IDENTITY": "ServicePrincipal",
    "BATCH_TENANT_ID": _TENANT,
    "BATCH_CLIENT_ID": "30000000-0000-4000-8000-000000000000",
    "BATCH_OBJECT_ID": "40000000-0000-4000-8000-000000000000",
    "BATCH_CLIENT_SECRET": "a secret",
}
_ALL = {
    **_MINIMAL,
    **_data("firstdata"),
    "NEW_DATA_CONTAINER": "incoming",
    "NEW_DATA_START": "marker",
    "PRIVATE_NETWORKING": "true",
    "NOTIFICATION_TOPIC_ID": _resource_id("Microsoft.EventGrid/topics", "ended"),
    "NOTIFICATION_WEBHOOK": "true",
    "NOTIFICATION_URL": "https://hooks.example.com/ended",
    "ALERT_EMAIL": "operators@example.com",
    "WORKSPACE_ROLE": "Custom",
    "SIGN_IN_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
}
"""Everything that the templates can deploy, except for the scheduler."""

FIRST = Environment("the first environment", _ALL)
OTHERS = (
    Environment("the same environment after azd down", _ALL, after_down=True),
    Environment("another region after azd down", {**_ALL, "AZURE_LOCATION": "northeurope"}, after_down=True),
    Environment("another workspace", {**_ALL, **_workspace("second")}),
    Environment(
        "a workspace in another region", {**_ALL, **_workspace("second")}, regions={"second": "northeurope"}
    ),
    Environment("another storage account", {**_ALL, **_data("seconddata")}, regions={"seconddata": "eastus"}),
    Environment("a second environment on one workspace", {**_ALL, "AZURE_ENV_NAME": "prod"}),
    Environment(
        "a second environment in another region",
        {**_ALL, "AZURE_ENV_NAME": "prod", "AZURE_LOCATION": "northeurope"},
    ),
    Environment("a service principal", {**_ALL, **_SERVICE_PRINCIPAL}),
    Environment("the built-in role", {**_ALL, "WORKSPACE_ROLE": "DataScientist"}),
    Environment("the Durable Task Scheduler", {**_ALL, "DURABLE_BACKEND": "DurableTaskScheduler"}),
    Environment("as few options as possible", _MINIMAL),
    Environment("the longest name of an environment", {**_ALL, "AZURE_ENV_NAME": "long-environment" * 4}),
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """``variables`` are those of azd after ``azd provision``: with the outputs."""

    resources: tuple[Resource, ...]
    variables: Mapping[str, Value]


def deployed(project: Project, environment: Environment) -> Deployed:
    """All resources of both templates. Raises EvaluationError."""
    surroundings = Surroundings(SUBSCRIPTION, _TENANT, answer=environment.answer)
    variables = environment.variables
    main = deploy(project, project.templates[MAIN], main_parameters(project, variables), surroundings)
    wanted = connection_parameters(project, main.outputs, variables)
    connections = deploy(project, project.templates[CONNECTIONS], wanted, surroundings)
    return Deployed((*main.resources, *connections.resources), {**variables, **main.outputs})
