"""Where a datastore is, for how long that is believed, and the links that follow from it."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given

from batch.addresses import CLOUDS, PUBLIC_CLOUD, WorkspaceId
from batch.azure_ml import datastores
from batch.azure_ml.datastores import LIFETIME, Datastore, KnownDatastores
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.errors import ErrorCode, RunError
from tests.batch.azure_ml.json_values import json_values
from tests.batch.builders import WORKSPACE_ID, settings

WORKSPACE = WorkspaceId(WORKSPACE_ID)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
BLOB = {
    "datastoreType": "AzureBlob",
    "accountName": "lake",
    "containerName": "azureml-blobstore",
    "endpoint": "core.windows.net",
    "protocol": "https",
    "subscriptionId": SUBSCRIPTION,
    "resourceGroup": "rg(data)",
}
GEN2 = {"datastoreType": "AzureDataLakeGen2", "accountName": "lake", "filesystem": "scores"}


def _parsed(**properties: Any) -> Datastore:
    return Datastore.parse({"properties": properties}, PUBLIC_CLOUD)


def test_a_container_is_linked_in_storage_and_in_the_portal() -> None:
    assert _parsed(**BLOB).links("out/r-1.csv", PUBLIC_CLOUD) == {
        "storage_url": "https://lake.blob.core.windows.net/azureml-blobstore/out/r-1.csv",
        "portal_url": "https://portal.azure.com/#view/Microsoft_Azure_Storage/ContainerMenuBlade/~/overview"
        "/storageAccountId/%2Fsubscriptions%2F00000000-0000-0000-0000-000000000001%2FresourceGroups%2Frg%28data%29"
        "%2Fproviders%2FMicrosoft.Storage%2FstorageAccounts%2Flake/path/azureml-blobstore",
    }


def test_a_file_system_of_a_lake_has_another_host() -> None:
    assert _parsed(**GEN2).links("out/", PUBLIC_CLOUD) == {
        "storage_url": "https://lake.dfs.core.windows.net/scores/out/"
    }


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_cloud_decides_what_the_datastore_does_not_tell(cloud: Any) -> None:
    links = Datastore.parse({"properties": {**BLOB, "endpoint": None}}, cloud).links("a", cloud)
    assert urlsplit(links["storage_url"]).hostname == f"lake.blob.{cloud.storage_suffix}"
    assert urlsplit(links["portal_url"]).hostname == cloud.portal_host


@pytest.mark.parametrize(
    ("path", "in_url"),
    [
        ("a b/ü.csv", "a%20b/%C3%BC.csv"),
        ("a%20b/key=1/x.csv", "a%2520b/key=1/x.csv"),
        ('a"<b>.csv', "a%22%3Cb%3E.csv"),
    ],
)
def test_a_path_is_encoded_once(path: str, in_url: str) -> None:
    assert _parsed(**BLOB).links(path, PUBLIC_CLOUD)["storage_url"].endswith(f"/azureml-blobstore/{in_url}")


@pytest.mark.parametrize(
    "odd",
    [
        {"datastoreType": "AzureFile", "fileShareName": "x"},
        {"accountName": "evil.example/a"},
        {"accountName": None},
        {"containerName": "../x"},
        {"containerName": 7},
        {"endpoint": "core.windows.net/x?sig=abc"},
        {"endpoint": "core.windows.net@evil.example"},
        {"endpoint": "evil.example"},
        {"endpoint": ["core.windows.net"]},
    ],
)
def test_what_names_no_container_gives_no_link(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="container in Azure Storage"):
        _parsed(**BLOB | odd)


@pytest.mark.parametrize(
    "odd", [{"subscriptionId": "x/../y"}, {"resourceGroup": "a/b"}, {"resourceGroup": None}]
)
def test_an_account_that_is_not_told_gives_no_link_to_the_portal(odd: dict[str, Any]) -> None:
    assert set(_parsed(**BLOB | odd).links("a", PUBLIC_CLOUD)) == {"storage_url"}


@given(json_values)
def test_any_answer_is_a_datastore_or_none(value: Any) -> None:
    fields = ("datastoreType", "containerName", "endpoint", "resourceGroup")
    for properties in (value, *({**BLOB, field: value} for field in fields)):
        try:
            found = Datastore.parse({"properties": properties}, PUBLIC_CLOUD)
        except ValueError:
            continue
        assert found.links("p", PUBLIC_CLOUD)["storage_url"].startswith("https://lake.blob.")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Reads:
    """Answers reads of datastores; ``urls`` are those that were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.urls: list[str] = []
        self.failure: RunError | None = None
        self.properties: dict[str, Any] = BLOB
        monkeypatch.setattr(datastores, "read", self)

    def __call__(self, url: str, audience: str, params: dict[str, str]) -> dict[str, Any]:
        self.urls.append(url)
        if self.failure:
            raise self.failure
        return {"properties": self.properties}


def test_a_datastore_is_read_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, clock = Reads(monkeypatch), Clock()
    known = KnownDatastores(clock)
    first = known.get(WORKSPACE, "lake", settings())
    clock.now += LIFETIME - 1
    assert known.get(WorkspaceId(WORKSPACE_ID.replace("rg", "RG")), "Lake", settings()) is first
    assert reads.urls == [f"https://management.azure.com{WORKSPACE_ID}/datastores/lake"]
    known.get(WORKSPACE, "other", settings())
    clock.now += 1
    assert known.get(WORKSPACE, "lake", settings()) == first
    assert len(reads.urls) == 3


def test_a_read_that_failed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, known = Reads(monkeypatch), KnownDatastores(Clock())
    reads.failure = HttpError(403, ErrorCode.ACCESS_DENIED, "It says no.")
    with pytest.raises(HttpError):
        known.get(WORKSPACE, "lake", settings())
    reads.failure, reads.properties = None, {}
    with pytest.raises(AnswerLost):
        known.get(WORKSPACE, "lake", settings())
    reads.properties = GEN2
    assert known.get(WORKSPACE, "lake", settings()).container == "scores"
