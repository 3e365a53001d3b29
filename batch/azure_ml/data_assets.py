"""Which version of a data asset a request means, as the resource id that Azure ML takes.

Azure ML's own clients look up names and labels before they call the endpoint: it takes no labels.
"""

import re
from http import HTTPStatus

from batch.addresses import WorkspaceId
from batch.azure_ml.answer import mapping_of
from batch.azure_ml.rest import AnswerLost, HttpError, read
from batch.azure_ml.workspace_jobs import API_VERSION
from batch.data_uri import LATEST, VERSION, Asset, asset_of
from batch.errors import ErrorCode, RunError
from batch.run.request import RunRequest
from batch.settings import Settings


def resolved_inputs(request: RunRequest, settings: Settings) -> dict[str, str]:
    """Resource ids by the names of inputs. Inputs that name no asset of the workspace in short are not in it.

    Without a workspace in the settings a version is sent as it was given. Raises RunError.
    """
    assets = {name: asset_of(binding.uri) for name, binding in request.inputs.items() if binding.uri}
    return {
        name: _resource_id(name, asset, settings.workspace_id, settings)
        for name, asset in assets.items()
        if asset and (settings.workspace_id or asset.label)
    }


def _resource_id(input_name: str, asset: Asset, workspace: WorkspaceId | None, settings: Settings) -> str:
    what = f"Input {input_name} names the data asset {asset}"
    if asset.label and asset.label != LATEST:
        raise _refused(
            f"{what}. Azure ML keeps no label but {LATEST} for data assets: name it, or a version."
        )
    if workspace is None:
        raise _refused(
            f"{what}. Only the workspace knows the version, and the app setting AZURE_ML_WORKSPACE_ID does not name"
            " it: set it, or name a version."
        )
    container = f"{workspace}/data/{asset.name}"
    if asset.version:
        found = f"{container}/versions/{asset.version}"
        _read(found, what, workspace, settings)
        return found
    latest = mapping_of(_read(container, what, workspace, settings).get("properties")).get("latestVersion")
    if not latest:
        raise _refused(f"{what}, which has no version in {_name_of(workspace)}: register one.")
    if not (isinstance(latest, str) and re.fullmatch(VERSION, latest)):
        raise AnswerLost(f"{what}, and the answer about it names no version that can be read.")
    return f"{container}/versions/{latest}"


def _read(resource: str, what: str, workspace: WorkspaceId, settings: Settings) -> dict[str, object]:
    url = f"{settings.arm_origin}{resource}"
    try:
        return read(url, settings.arm_audience, {"api-version": API_VERSION})
    except HttpError as error:
        match error.status:
            case HTTPStatus.NOT_FOUND:
                raise _refused(
                    f"{what}, which is not in {_name_of(workspace)}: register it, or name another one."
                    f" {error.message}"
                ) from None
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise HttpError(
                    error.status,
                    error.code,
                    f"{what}, which the app may not read: its identity needs the role AzureML Data Scientist on"
                    f" {_name_of(workspace)}. {error.message}",
                    retry_after=error.retry_after,
                ) from None
        raise


def _refused(message: str) -> RunError:
    return RunError(ErrorCode.REQUEST_REJECTED, message)


def _name_of(workspace: WorkspaceId) -> str:
    return f"the workspace {str(workspace).rpartition('/')[2]}"
