"""What connects the deployed app with resources that existed before: the parameters of connections.bicep."""

from collections.abc import Iterable, Mapping
from typing import Any

PARAMETERS = {
    "resourceGroupName": "AZURE_RESOURCE_GROUP",
    "functionAppName": "AZURE_FUNCTION_APP_NAME",
    "workspaceId": "CONNECT_WORKSPACE_ID",
    "principalId": "CONNECT_PRINCIPAL_ID",
    "deadLetterStorageName": "CONNECT_DEAD_LETTER_STORAGE_NAME",
    "dataTopicId": "CONNECT_DATA_TOPIC_ID",
    "newDataContainer": "CONNECT_NEW_DATA_CONTAINER",
    "newDataPrefix": "CONNECT_NEW_DATA_PREFIX",
    "newDataStart": "CONNECT_NEW_DATA_START",
    "newDataMarker": "CONNECT_NEW_DATA_MARKER",
    "workspaceTopicId": "CONNECT_WORKSPACE_TOPIC_ID",
    "notificationTopicId": "CONNECT_NOTIFICATION_TOPIC_ID",
}
"""The variable of each parameter: an output of main.bicep."""

SHOWN = ("API_URL", "MONITOR_URL", "GET_KEY_COMMAND")
"""Further outputs, which the hook prints."""

OF_AZD = ("AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION")
DATA_SCIENTIST = "f6c7c914-8db3-469d-8ca1-694a8f32e121"
"""The built-in role AzureML Data Scientist."""

FUNCTIONS = {"dataTopicId": "new_data", "workspaceTopicId": "job_events"}
"""The function that gets the events of each topic: it must exist before the topic has a subscription."""

_HINTS = {
    "RoleAssignmentExists": "Somebody has given the app this role already. Keep theirs:\n"
    "    azd env set WORKSPACE_ROLE None",
    "InvalidDeploymentLocation": "An earlier deployment of this name is in another region. Its record can go, and"
    " nothing else goes with it:\n    az deployment sub delete --name {deployment} --subscription {subscription}",
    "AuthorizationFailed": "You need the right to assign roles on the workspace and on the topic of"
    " NOTIFICATION_TOPIC_ID, and to write event subscriptions on system topics: docs/deployment.md, Before you start."
    " If it is missing on the workspace, ask its owner for the role and leave out both:\n"
    "    azd env set WORKSPACE_ROLE None\n    azd env set JOB_EVENTS false\n    azd provision",
}
_UNKNOWN = "Known reasons are in docs/when-azd-up-fails.md"


def missing_outputs(environment: Mapping[str, str]) -> list[str]:
    """Some outputs are empty on purpose. One is missing if an earlier version of the templates was applied last."""
    return [name for name in (*OF_AZD, *PARAMETERS.values(), *SHOWN) if name not in environment]


def functions_with_events(environment: Mapping[str, str]) -> list[str]:
    return [function for parameter, function in FUNCTIONS.items() if environment[PARAMETERS[parameter]]]


def template_parameters(environment: Mapping[str, str], role: str) -> dict[str, Any]:
    """The content of a parameter file. A command line would change some characters on Windows."""
    values = {name: environment[variable] for name, variable in PARAMETERS.items()}
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {name: {"value": value} for name, value in {**values, "workspaceRole": role}.items()},
    }


def role_to_assign(wanted: str, has_data_scientist: bool) -> str:
    """Azure refuses a second assignment of the same role, so one that somebody made by hand is kept."""
    return "None" if wanted == "DataScientist" and has_data_scientist else wanted


def has_data_scientist(
    assignments: Iterable[Mapping[str, Any]], workspace_id: str, principal_id: str
) -> bool:
    """Among role assignments as Resource Manager lists them: those on the groups above are no hindrance."""
    return any(
        one["scope"].lower() == workspace_id.lower()
        and one["principalId"].lower() == principal_id.lower()
        and one["roleDefinitionId"].lower().endswith(f"/{DATA_SCIENTIST}")
        for one in (assignment["properties"] for assignment in assignments)
    )


def unused_topics(environment: Mapping[str, str], topics: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of system topics in the group of the app that it does not use any more."""
    used = {environment[PARAMETERS[parameter]].lower() for parameter in FUNCTIONS}
    return sorted(topic["name"] for topic in topics if topic["id"].lower() not in used)


def hint(message: str, deployment: str, subscription: str) -> str:
    """What to do about a failure that Azure describes in ``message``."""
    found = next((text for code, text in _HINTS.items() if code in message), _UNKNOWN)
    return found.format(deployment=deployment, subscription=subscription)
