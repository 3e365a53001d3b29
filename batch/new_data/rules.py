"""Rules for new data: which blobs start runs, and when."""

import hashlib
from enum import StrEnum
from string import Formatter
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from batch.data_uri import DEFAULT_OUTPUT
from batch.new_data.blob import Blob

DEFAULT_INPUT = "https://{account}.blob.core.windows.net/{container}/{path}"
"""In the public cloud; ``request_for`` puts in the domain of the app's cloud. Ids of rules depend on this text."""

PLACEHOLDERS = ("run_id", "account", "container", "folder", "file", "path", "date")
_REQUEST_FIELDS = (
    "endpoint_uri",
    "deployment",
    "poll_interval",
    "queue_timeout",
    "timeout",
    "on_timeout",
    "cancel_timeout",
    "overrides",
    "tags",
    "job_attempts",
    "retry_on",
)
"""Fields of a rule that go into the run's request as they are."""
_DAY = 86_400


class Start(StrEnum):
    """What starts a run: each file, a folder that has become quiet, or a marker file in a folder."""

    FILE = "file"
    FOLDER = "folder"
    MARKER = "marker"


def _template(text: str) -> str:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"is not a template: {error}") from None
    for literal, name, form, conversion in parts:
        odd_name = name is not None and (name not in PLACEHOLDERS or form or conversion)
        if odd_name or "{" in literal or "}" in literal:
            raise ValueError(
                f"may hold {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)} and no other braces"
            )
    return text


Template = Annotated[str, Field(max_length=1_024), AfterValidator(_template)]


class NewDataRule(BaseModel):
    """``prefix`` and ``suffix`` select blobs by name; the fields below ``marker`` go into the run's request.

    A ``folder`` rule starts one run for a folder that has had no new blob for ``quiet_seconds``, or whose first
    blob came ``longest_wait_seconds`` ago. The folder is the blob's own: batch endpoints do not read nested ones.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True
    )

    container: Annotated[str, Field(pattern=r"^[a-z0-9$][a-z0-9-]{1,62}$")]
    prefix: Annotated[str, Field(max_length=1_024)] = ""
    suffix: Annotated[str, Field(max_length=1_024)] = ""
    start: Annotated[Start, Strict(False)] = Start.FOLDER
    quiet_seconds: Annotated[int, Field(ge=1, le=_DAY)] = 60
    longest_wait_seconds: Annotated[int, Field(ge=1, le=5 * _DAY)] = 3_600
    marker: Annotated[str, Field(pattern=r"^[^/]{1,255}$")] = "_SUCCESS"
    input_uri: Template = DEFAULT_INPUT
    output_uri: Template = DEFAULT_OUTPUT
    endpoint_uri: str | None = None
    deployment: str | None = None
    poll_interval: int | None = None
    queue_timeout: int | None = None
    timeout: int | None = None
    on_timeout: str | None = None
    cancel_timeout: int | None = None
    overrides: dict[str, Any] | None = None
    tags: dict[str, Any] | None = None
    job_attempts: int | None = None
    retry_on: list[str] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.start == Start.FOLDER and self.longest_wait_seconds < self.quiet_seconds:
            raise ValueError("longest_wait_seconds is shorter than quiet_seconds")
        if self.start == Start.MARKER and self.suffix:
            raise ValueError("suffix has no meaning where a marker starts the run")
        if self.start != Start.FILE and "{file}" in self.input_uri + self.output_uri:
            raise ValueError("{file} has no meaning where a run stands for a folder")
        if "{run_id}" not in self.output_uri:
            raise ValueError("output_uri must hold {run_id}: an output that exists already fails the job")
        return self

    @property
    def id(self) -> str:
        """Identifies this rule by its content, in instance ids. A field that a later version adds changes nothing."""
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:12]

    def matches(self, blob: Blob) -> bool:
        if blob.container != self.container or not blob.name.startswith(self.prefix):
            return False
        if self.start == Start.MARKER:
            return blob.file == self.marker
        return blob.name.endswith(self.suffix) and not blob.is_empty

    def request_fields(self) -> dict[str, Any]:
        return self.model_dump(include=set(_REQUEST_FIELDS), exclude_none=True)
