"""Rules for new data: which blobs start runs, and when."""

import hashlib
import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from batch.new_data.blob import Blob
from batch.new_data.ignored import IgnoreReason
from batch.new_data.run_fields import RunFields
from batch.new_data.template import Template
from batch.new_data.window import Late

DEFAULT_INPUT = "https://{account}.blob.core.windows.net/{container}/{path}"
"""In the public cloud; ``request_for`` puts in the domain of the app's cloud. Ids of rules depend on this text."""

_DAY = 86_400
_HIDDEN = re.compile(r"(?:^|/)(?P<first>[_.])")


class Start(StrEnum):
    """What starts a run: each file, a folder that has become quiet, or a marker file in a folder."""

    FILE = "file"
    FOLDER = "folder"
    MARKER = "marker"


class _Uploads(BaseModel):
    # Until its first use, as RunFields: a cold start does not wait for it.
    model_config = ConfigDict(defer_build=True)

    container: Annotated[str, Field(pattern=r"^[a-z0-9$][a-z0-9-]{1,62}$")]
    prefix: Annotated[str, Field(max_length=1_024)] = ""
    suffix: Annotated[str, Field(max_length=1_024)] = ""
    start: Annotated[Start, Strict(False)] = Start.FOLDER
    quiet_seconds: Annotated[int, Field(ge=1, le=_DAY)] = 60
    longest_wait_seconds: Annotated[int, Field(ge=1, le=5 * _DAY)] = 3_600
    marker: Annotated[str, Field(pattern=r"^[^/]{1,255}$")] = "_SUCCESS"
    input_uri: Template = DEFAULT_INPUT


# The order of the fields is that of the bases from the last to the first. Ids of rules depend on it.
class NewDataRule(RunFields, _Uploads):
    """``prefix`` and ``suffix`` select blobs by name; RunFields go into the run's request.

    A ``folder`` rule starts one run for a folder that has had no new blob for ``quiet_seconds``, or whose first
    blob came ``longest_wait_seconds`` ago. The folder is the blob's own: batch endpoints do not read nested ones.
    ``late``: what follows from a blob that comes after that. A path with a part that begins with ``_`` or ``.`` is no
    data, as Spark and Hive have it, except with ``include_hidden``; the marker's own name may begin so.
    """

    late: Annotated[Late, Strict(False)] = Late.RERUN
    include_hidden: bool = False

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.start == Start.FOLDER and self.longest_wait_seconds < self.quiet_seconds:
            raise ValueError("longest_wait_seconds is shorter than quiet_seconds")
        if self.start == Start.MARKER and self.suffix:
            raise ValueError("suffix has no meaning where a marker starts the run")
        if self.start != Start.FOLDER and self.late != Late.RERUN:
            raise ValueError("late has a meaning only where a folder starts the run")
        if self.late == Late.FILE and "{path}" not in self.input_uri:
            raise ValueError("late: file needs {path} in input_uri, which stands for a folder or for a file")
        if self.start != Start.FILE and "{file}" in self.input_uri + self.output_uri:
            raise ValueError("{file} has no meaning where a run stands for a folder")
        return self

    @property
    def id(self) -> str:
        """Identifies this rule by its content, in instance ids. A field that a later version adds changes nothing."""
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:12]

    def why_ignored(self, blob: Blob) -> IgnoreReason | None:
        """None if this rule takes the upload."""
        if blob.container != self.container:
            return IgnoreReason.CONTAINER
        if not blob.name.startswith(self.prefix):
            return IgnoreReason.PREFIX
        is_marker = self.start == Start.MARKER and blob.file == self.marker
        if not self.include_hidden and self._is_hidden(blob.folder if is_marker else blob.name):
            return IgnoreReason.HIDDEN
        if self.start == Start.MARKER:
            return None if is_marker else IgnoreReason.MARKER
        if not blob.name.endswith(self.suffix):
            return IgnoreReason.SUFFIX
        if blob.is_created_only:
            return IgnoreReason.CREATED_ONLY
        return IgnoreReason.EMPTY if blob.is_empty else None

    def _is_hidden(self, path: str) -> bool:
        """A part that the prefix itself spells is wanted."""
        return any(match.start("first") >= len(self.prefix) for match in _HIDDEN.finditer(path))
