"""The ARM resource id of an Azure ML workspace, and what may be appended to it."""

import re
from dataclasses import dataclass
from typing import Self

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._()-]{0,89}"
_WORKSPACE = (
    rf"/subscriptions/{_SEGMENT}/resourceGroups/{_SEGMENT}"
    rf"/providers/Microsoft\.MachineLearningServices/workspaces/{_SEGMENT}"
)
_WORKSPACE_ID = re.compile(_WORKSPACE, re.ASCII | re.IGNORECASE)
_RESOURCE_ID = re.compile(rf"(?P<workspace>{_WORKSPACE})/.+", re.ASCII | re.IGNORECASE)
_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkspaceId:
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError unless ``text`` is the id of a workspace."""
        if not _WORKSPACE_ID.fullmatch(text):
            raise ValueError(
                "must be the workspace's resource id: /subscriptions/<id>/resourceGroups/<group>"
                "/providers/Microsoft.MachineLearningServices/workspaces/<name>"
            )
        return cls(text)

    @classmethod
    def of_resource(cls, resource_id: object) -> Self | None:
        """The workspace that a resource (a job, say) belongs to, or None if the id is of another form."""
        match = _RESOURCE_ID.fullmatch(resource_id) if isinstance(resource_id, str) else None
        return cls(match["workspace"]) if match else None

    def __str__(self) -> str:
        return self.path


def is_job_name(value: object) -> bool:
    """Whether ``value`` may become a path segment: job names come from the service's answers."""
    return isinstance(value, str) and _JOB_NAME.fullmatch(value) is not None
