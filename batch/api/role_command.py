"""The Azure CLI command that gives the app's identity the role it lacks, for a person who may give roles."""

import re

from batch.addresses import WorkspaceId
from batch.api.run_view import RunView
from batch.errors import ErrorCode

ROLE = "AzureML Data Scientist"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def with_role_command(view: RunView, workspace: WorkspaceId | None) -> RunView:
    """``view`` with the command where access was denied, if the run knows its identity and the app its workspace."""
    object_id = (view["identity"] or {}).get("object_id", "")
    # The id comes from a token, and somebody is going to paste it into a shell.
    if workspace is None or not _GUID.fullmatch(object_id):
        return view
    command = (
        f'az role assignment create --role "{ROLE}" --assignee-object-id {object_id}'
        f' --assignee-principal-type ServicePrincipal --scope "{workspace}"'
    )
    problem, error = view["problem"], view["error"]
    if problem and problem["code"] == ErrorCode.ACCESS_DENIED:
        view = {**view, "problem": {**problem, "command": command}}
    if error and error["code"] == ErrorCode.ACCESS_DENIED:
        view = {**view, "error": {**error, "command": command}}
    return view
