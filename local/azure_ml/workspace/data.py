"""Data assets and datastores as ARM shows them: only what is configured, and nothing about the files in them."""

import re
from collections.abc import Iterable, Mapping

from local.azure_ml.config import Workspace

_RESOURCE = "Microsoft.MachineLearningServices/workspaces"
STORAGE_ACCOUNT = "localstorage"


def versions_of(name: str, assets: Iterable[str]) -> list[str]:
    """In the order in which they are configured: the last one is the latest."""
    pairs = (asset.partition(":") for asset in assets)
    return [version for asset_name, _, version in pairs if asset_name == name]


def container(name: str, versions: list[str], workspace: Workspace) -> Mapping[str, object]:
    return {
        "id": f"{workspace.id}/data/{name}",
        "name": name,
        "type": f"{_RESOURCE}/data",
        "properties": {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            "latestVersion": versions[-1],
            "nextVersion": str(int(versions[-1]) + 1) if versions[-1].isdecimal() else None,
            "dataType": "uri_folder",
        },
    }


def version(name: str, number: str, workspace: Workspace) -> Mapping[str, object]:
    return {
        "id": f"{workspace.id}/data/{name}/versions/{number}",
        "name": number,
        "type": f"{_RESOURCE}/data/versions",
        "properties": {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            "isAnonymous": False,
            "dataType": "uri_folder",
            "dataUri": f"azureml:/{workspace.id}/datastores/workspaceblobstore/paths/assets/{name}/{number}/",
        },
    }


def datastore(name: str, workspace: Workspace) -> Mapping[str, object]:
    """A container of the local storage account; its name has the characters that such names may have."""
    return {
        "id": f"{workspace.id}/datastores/{name}",
        "name": name,
        "type": f"{_RESOURCE}/datastores",
        "properties": {
            "description": None,
            "tags": None,
            "properties": None,
            "isDefault": name == "workspaceblobstore",
            "credentials": {"credentialsType": "None"},
            "subscriptionId": workspace.subscription_id,
            "resourceGroup": workspace.resource_group,
            "datastoreType": "AzureBlob",
            "accountName": STORAGE_ACCOUNT,
            "containerName": re.sub("[^a-z0-9]+", "-", name.lower()),
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
        },
    }
