"""Every form of URI maps to its folder; other URIs are refused."""

from pathlib import Path

import pytest

from local.azure_ml.config import Workspace
from local.azure_ml.jobs.job import DataInput, DataOutput
from local.azure_ml.jobs.storage import Storage, StorageError

WORKSPACE = Workspace()
LONG = (
    f"azureml://subscriptions/{WORKSPACE.subscription_id}/resourcegroups/{WORKSPACE.resource_group}"
    f"/workspaces/{WORKSPACE.name}"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "store" / "in" / "nested").mkdir(parents=True)
    (tmp_path / "store" / "in" / "b.csv").touch()
    (tmp_path / "store" / "in" / "a.csv").touch()
    (tmp_path / "store" / "in" / "nested" / "c.csv").touch()
    (tmp_path / "store" / "in" / "with space.csv").touch()
    (tmp_path / "outside.csv").touch()
    return tmp_path


@pytest.fixture
def storage(root: Path) -> Storage:
    return Storage(
        WORKSPACE,
        {"store": root / "store"},
        {
            "https://account.blob.core.windows.net/container": root / "store",
            "abfss://container@account.dfs.core.windows.net": root / "store",
        },
        {"readings:3": root / "store" / "in"},
    )


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("azureml://datastores/store/paths/in", "in"),
        ("azureml://datastores/STORE/paths/in/", "in"),
        ("azureml://datastores/store/paths/in/../in", "in"),
        (f"{LONG}/datastores/store/paths/in/a.csv", "in/a.csv"),
        (f"{WORKSPACE.id}/datastores/store/paths/in", "in"),
        ("https://account.blob.core.windows.net/container/in", "in"),
        ("https://account.blob.core.windows.net/container/in/with%20space.csv", "in/with space.csv"),
        ("https://account.blob.core.windows.net/container/day=1/100%25", "day=1/100%"),
        ("azureml://datastores/store/paths/day=1/100%25", "day=1/100%25"),
        ("abfss://container@account.dfs.core.windows.net/day=1/100%25", "day=1/100%25"),
        ("https://account.blob.core.windows.net/container", ""),
        ("azureml:readings:3", "in"),
        (f"{WORKSPACE.id}/data/readings/versions/3", "in"),
        ("azureml://locations/local/workspaces/w/data/readings/versions/3", "in"),
    ],
)
def test_every_form_finds_its_folder(root: Path, storage: Storage, uri: str, path: str) -> None:
    assert storage.resolve(uri) == root / "store" / path


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("azureml://datastores/store/paths/../outside.csv", "leaves its datastore"),
        ("azureml://datastores/store/paths/in/../../outside.csv", "leaves its datastore"),
        ("https://account.blob.core.windows.net/container/%2e%2e/outside.csv", "leaves its datastore"),
        ("azureml://datastores/store/paths/a\0b", "not a path"),
        ("azureml://datastores/nobody/paths/in", "datastore nobody does not exist"),
        ("https://account.blob.core.windows.net/container-2/in", "not mapped"),
        ("https://account.blob.core.windows.net.evil.example/container/in", "not mapped"),
        ("azureml:readings:4", "asset readings:4 does not exist"),
        (f"{LONG.replace('local-workspace', 'other')}/datastores/store/paths/in", "not the workspace"),
        ("azureml://registries/shared/data/heart/versions/1", "has no registries"),
        ("azureml://jobs/batchjob-1/outputs/score/paths/", "no outputs of other jobs"),
        ("/etc/passwd", "not one of the forms"),
        ("file:///etc/passwd", "not one of the forms"),
    ],
)
def test_other_uris_are_refused(storage: Storage, uri: str, words: str) -> None:
    with pytest.raises(StorageError, match=words):
        storage.resolve(uri)


def test_a_link_cannot_leave_its_datastore(root: Path, storage: Storage) -> None:
    (root / "store" / "link").symlink_to(root)
    with pytest.raises(StorageError, match="leaves its datastore"):
        storage.resolve("azureml://datastores/store/paths/link/outside.csv")


def test_input_files_are_sorted_and_not_nested(storage: Storage) -> None:
    files = storage.input_files(DataInput("UriFolder", "azureml://datastores/store/paths/in"))
    assert [file.name for file in files] == ["a.csv", "b.csv", "with space.csv"]
    [file] = storage.input_files(DataInput("UriFile", "azureml://datastores/store/paths/in/b.csv"))
    assert file.name == "b.csv"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DataInput("UriFolder", "azureml://datastores/store/paths/none"), "does not exist"),
        (DataInput("UriFile", "azureml://datastores/store/paths/in"), "does not exist"),
        (DataInput("UriFolder", "azureml://datastores/store/paths/in/a.csv"), "does not exist"),
        (DataInput("UriFolder", "azureml://datastores/store/paths/"), "holds no files"),
    ],
)
def test_missing_and_empty_inputs(storage: Storage, data: DataInput, words: str) -> None:
    with pytest.raises(StorageError, match=words):
        storage.input_files(data)


def test_outputs(root: Path, storage: Storage) -> None:
    store = root / "store"
    out = "azureml://datastores/store/paths/out"
    assert storage.output_file(DataOutput("UriFile", out)) == store / "out"
    assert storage.output_file(DataOutput("UriFolder", out)) == store / "out" / "predictions.csv"
    with pytest.raises(StorageError, match="outputs go to paths"):
        storage.output_file(DataOutput("UriFile", "azureml:readings:3"))
