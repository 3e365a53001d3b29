"""The command that gives a missing role is there where access was denied, and nowhere else."""

import shlex
from typing import Any

import pytest

from batch.addresses import WorkspaceId
from batch.api.role_command import with_role_command
from batch.errors import ErrorCode
from tests.batch.builders import WORKSPACE_ID, after, custom_status, run, view_of

WORKSPACE = WorkspaceId.parse(WORKSPACE_ID)
OBJECT_ID = "51ff558b-3b53-46f8-8bbc-c71daa68b8bb"
DENIED = {"code": ErrorCode.ACCESS_DENIED.value, "message": "It answered 403.", "advice": "Give the role."}


def view(identity: dict[str, str] | None, **trouble: Any) -> Any:
    shown: dict[str, Any] = dict(view_of("Running", custom_status(run(), next_check_at=after(180))))
    return {**shown, "identity": identity, **trouble}


@pytest.mark.parametrize("where", ["problem", "error"])
def test_it_names_the_identity_and_the_workspace(where: str) -> None:
    shown: Any = with_role_command(view({"object_id": OBJECT_ID}, **{where: DENIED}), WORKSPACE)
    words = shlex.split(shown[where]["command"])
    assert words[:4] == ["az", "role", "assignment", "create"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options == {
        "--role": "AzureML Data Scientist",
        "--assignee-object-id": OBJECT_ID,
        "--assignee-principal-type": "ServicePrincipal",
        "--scope": WORKSPACE_ID,
    }


@pytest.mark.parametrize(
    ("identity", "workspace", "code"),
    [
        ({"object_id": OBJECT_ID}, WORKSPACE, ErrorCode.TOKEN_REFUSED),
        ({"object_id": OBJECT_ID}, None, ErrorCode.ACCESS_DENIED),
        ({"client_id": OBJECT_ID}, WORKSPACE, ErrorCode.ACCESS_DENIED),
        ({"object_id": "x; rm -rf /"}, WORKSPACE, ErrorCode.ACCESS_DENIED),
        ({"object_id": f"{OBJECT_ID}\n"}, WORKSPACE, ErrorCode.ACCESS_DENIED),
        (None, WORKSPACE, ErrorCode.ACCESS_DENIED),
    ],
)
def test_without_all_that_it_needs_there_is_none(
    identity: dict[str, str] | None, workspace: WorkspaceId | None, code: ErrorCode
) -> None:
    without = view(identity, error={**DENIED, "code": code.value})
    assert with_role_command(without, workspace) == without
