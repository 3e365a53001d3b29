"""Maps the URIs of batch jobs to files and folders of this machine."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.azure_ml.config import Workspace
from local.azure_ml.jobs.job import DataInput, DataOutput

PREDICTIONS = "predictions.csv"
_DATASTORE = re.compile(
    r"(?:azureml:/)?(?:(?P<workspace>/subscriptions/.+?/workspaces/[^/]+)|azureml:/)"
    r"/datastores/(?P<store>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE,
)
_ASSET = re.compile(r"azureml:(?P<name>[^:/]+):(?P<version>[^:/]+)")
_ASSET_ID = re.compile(
    r"(?:(?:azureml:/)?(?P<workspace>/subscriptions/.+?/workspaces/[^/]+)|azureml://locations/.+?/workspaces/[^/]+)"
    r"/data/(?P<name>[^/]+)/versions/(?:labels/)?(?P<version>[^/]+)",
    re.IGNORECASE,
)

_NOT_EMULATED = re.compile(
    r"azureml://(?:registries|jobs)/|(?:azureml:)?/subscriptions/.+/registries/", re.IGNORECASE
)


class StorageError(Exception):
    """An input cannot be read, or the output cannot be written; the text becomes the job's error."""


class Storage:
    """Mapped folders: ``datastores`` by name, ``accounts`` by URL prefix, ``assets`` by ``<name>:<version>``."""

    def __init__(
        self,
        workspace: Workspace,
        datastores: Mapping[str, Path],
        accounts: Mapping[str, Path],
        assets: Mapping[str, Path],
    ) -> None:
        self._workspace = workspace
        self._datastores = {name.lower(): folder for name, folder in datastores.items()}
        self._accounts = {prefix.rstrip("/"): folder for prefix, folder in accounts.items()}
        self._assets = assets

    def input_files(self, data: DataInput) -> list[Path]:
        """The files of an input in sorted order. Batch endpoints do not walk nested folders."""
        path = self.resolve(data.uri)
        if data.type == "UriFile":
            if not path.is_file():
                raise StorageError(f"The input file {data.uri} does not exist.")
            return [path]
        if not path.is_dir():
            raise StorageError(f"The input folder {data.uri} does not exist.")
        files = sorted(child for child in path.iterdir() if child.is_file())
        if not files:
            raise StorageError(f"The input folder {data.uri} holds no files; nested folders are not walked.")
        return files

    def output_file(self, output: DataOutput, file_name: str = PREDICTIONS) -> Path:
        """``file_name`` is that of a file in an output folder."""
        if self._asset_key(output.uri):
            raise StorageError(f"The output {output.uri} is an asset; outputs go to paths in datastores.")
        path = self.resolve(output.uri)
        return path if output.type == "UriFile" else path / file_name

    def default_output(self, job: str, file_name: str = PREDICTIONS) -> Path:
        return self._folder("workspaceblobstore") / "azureml" / job / "score" / file_name

    def resolve(self, uri: str) -> Path:
        asset = self._asset_key(uri)
        if asset:
            if asset not in self._assets:
                raise StorageError(
                    f"The data asset {asset} does not exist in workspace {self._workspace.name}."
                )
            return self._assets[asset]
        match = _DATASTORE.fullmatch(uri)
        if match:
            self._check_workspace(match["workspace"])
            return _inside(self._folder(match["store"]), match["path"], uri)
        if uri.lower().startswith(("https://", "abfss://", "wasbs://")):
            return self._by_url(uri)
        if _NOT_EMULATED.match(uri):
            raise StorageError(
                f"The local Azure ML has no registries, and finds no outputs of other jobs: it cannot read {uri}."
            )
        raise StorageError(f"The URI {uri} is not one of the forms that batch endpoints accept.")

    def _folder(self, store: str) -> Path:
        folder = self._datastores.get(store.lower())
        if folder is None:
            raise StorageError(f"The datastore {store} does not exist in workspace {self._workspace.name}.")
        return folder

    def _by_url(self, uri: str) -> Path:
        parts = urlsplit(uri)
        location = f"{parts.scheme}://{parts.netloc}{parts.path}"
        for prefix, folder in self._accounts.items():
            if location.rstrip("/") == prefix or location.startswith(prefix + "/"):
                path = location[len(prefix) :].lstrip("/")
                return _inside(folder, unquote(path) if parts.scheme == "https" else path, uri)
        raise StorageError(f"The storage location {uri} is not mapped to a folder of this machine.")

    def _asset_key(self, uri: str) -> str | None:
        match = _ASSET.fullmatch(uri) or _ASSET_ID.fullmatch(uri)
        if match is None:
            return None
        self._check_workspace(match.groupdict().get("workspace"))
        return f"{match['name']}:{match['version']}"

    def _check_workspace(self, workspace_id: str | None) -> None:
        if workspace_id is None:
            return
        names = [part.lower() for part in workspace_id.split("/")]
        own = (self._workspace.subscription_id, self._workspace.resource_group, self._workspace.name)
        if (names[2], names[4], names[-1]) != tuple(name.lower() for name in own):
            raise StorageError(f"{workspace_id} is not the workspace of this endpoint.")


def _inside(root: Path, relative: str, uri: str) -> Path:
    root = root.resolve()
    try:
        path = (root / relative.lstrip("/")).resolve()
    except ValueError as error:
        raise StorageError(f"The path of {uri!r} is not a path: {error}.") from error
    if not path.is_relative_to(root):
        raise StorageError(f"The path of {uri} leaves its datastore.")
    return path
