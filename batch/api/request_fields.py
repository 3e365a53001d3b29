"""The fields of a request with their limits, each with the words that say its rule.

The field names are those of the Data Factory pipeline ``Run-BatchEndpoint``, so a parameter set carries over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, GroupedMetadata, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)

from batch.api.request_schema import (
    AT_LEAST_ONE,
    JOB_INPUT_FORMS,
    JOB_OUTPUT_FORMS,
    LITERAL,
    REQUEST_FORMS,
    without_default,
)
from batch.data_uri import (
    DATA_URI_PATTERN,
    MAX_URI_LENGTH,
    OUTPUT_FILE_PATTERN,
    OUTPUT_URI_PATTERN,
    check_data_uri,
    check_output_file,
    check_output_uri,
)
from batch.redaction import holds_secret, redact
from batch.run.request import CANCEL_TIMEOUT

MAX_TIMEOUT = 30 * 86_400
"""Seconds. A longer timeout is more likely an error than a plan."""
MAX_TAGS = 10
MAX_JOB_ATTEMPTS = 5
MAX_MINI_BATCH_TIME = 259_200
"""Seconds: the longest time for one mini batch that Azure ML takes."""
RUN_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
RUN_ID_RULE = "must be 1 to 100 letters, digits, '.', '_' and '-', and begin with a letter or a digit"
TAG_NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9._-]{0,49}$"
TAG_VALUE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]{1,100}$"
_INT_32 = 2**31 - 1
_RESERVED_TAGS = re.compile(r"azureml|batch_run|(?:input|output)type$", re.IGNORECASE)


def _rule(words: str) -> WrapValidator:
    """One message in our words, whatever is wrong with the type or the limits of a value."""

    def check(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise ValueError(words) from None

    return WrapValidator(check)


@dataclass(frozen=True)
class _Between(GroupedMetadata):
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    def __iter__(self) -> Iterator[object]:
        yield Ge(self.least)
        yield Le(self.most)
        yield _rule(f"must be a whole number from {self.least} to {self.most}")


@dataclass(frozen=True)
class _Matching(GroupedMetadata):
    """Text of a pattern, which ``words`` describe."""

    pattern: str
    words: str

    def __iter__(self) -> Iterator[object]:
        yield StringConstraints(pattern=self.pattern)
        yield _rule(self.words)


def _no_secret(value: Any) -> Any:
    if isinstance(value, str) and holds_secret(value):
        raise ValueError("holds a SAS signature, a key or a token, which would be stored with the run")
    return value


def _nothing_redacted(value: str) -> str:
    """Stricter than for data: a tag goes into the log and the workspace, and is read by anybody there."""
    if redact(value) != value:
        raise ValueError("looks like a key, a token or a password, which would be stored with the run")
    return value


def _not_reserved(name: str) -> str:
    if _RESERVED_TAGS.match(name):
        raise ValueError("is a name that Azure ML or this app gives to tags of its own")
    return name


def _is_literal(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A whole number that is too long becomes no float."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("must be a number of at most 64 bits")
    return validate(value)


_Uri = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_URI_LENGTH),
    _rule(f"must be a URI as text, of at most {MAX_URI_LENGTH} characters"),
]
DataUri = Annotated[
    _Uri, AfterValidator(check_data_uri), Field(json_schema_extra={"pattern": DATA_URI_PATTERN})
]
OutputUri = Annotated[
    _Uri, AfterValidator(check_output_uri), Field(json_schema_extra={"pattern": OUTPUT_URI_PATTERN})
]
OutputFile = Annotated[
    _Uri, AfterValidator(check_output_file), Field(json_schema_extra={"pattern": OUTPUT_FILE_PATTERN})
]
_NAME = "letters, digits and '_', at most 64, not beginning with a digit"
InputName = Annotated[
    str,
    _Matching(
        r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,3}$",
        f"is not a name of an input: {_NAME}; a parameter of a group has dots between the names",
    ),
]
OutputName = Annotated[
    str, _Matching(r"^[A-Za-z_][A-Za-z0-9_]{0,63}$", f"is not a name of an output: {_NAME}")
]
ResourceName = Annotated[
    str,
    _Matching(
        r"^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$",
        "must be 1 to 255 letters, digits, '_' and '-', and begin with a letter or a digit",
    ),
]
RunId = Annotated[str, _Matching(RUN_ID_PATTERN, RUN_ID_RULE)]
FileName = Annotated[
    str,
    _Matching(
        r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$",
        "must be the name of a file without a folder: 1 to 255 letters, digits, '.', '_' and '-'",
    ),
    AfterValidator(_no_secret),
]
Timeout = Annotated[int, _Between(1, MAX_TIMEOUT)]
DataType = Annotated[Literal["UriFolder", "UriFile"], _rule("must be UriFolder or UriFile")]
LiteralValue = Annotated[
    Annotated[str, Field(max_length=2_048)] | bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float,
    WrapValidator(_is_literal),
    _rule("must be text of at most 2048 characters, a 64-bit number, true or false"),
    AfterValidator(_no_secret),
    WithJsonSchema({**LITERAL, "maxLength": 2_048}),
]
TagName = Annotated[
    str,
    _Matching(
        TAG_NAME_PATTERN,
        "is not a name of a tag: 1 to 50 letters, digits, '.', '_' and '-', beginning with a letter",
    ),
    AfterValidator(_not_reserved),
]
TagValue = Annotated[
    str,
    _Matching(TAG_VALUE_PATTERN, "must be text of 1 to 100 characters, none of them a control character"),
    AfterValidator(_no_secret),
    AfterValidator(_nothing_redacted),
]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,
    )


class JobInput(_Strict):
    """A named input: data behind a URI, or a literal value for a pipeline component deployment.

    UriFolder and UriFile take ``uri``, Literal takes ``value``; neither takes both.
    """

    model_config = ConfigDict(json_schema_extra=JOB_INPUT_FORMS)

    type: Annotated[
        Literal["UriFolder", "UriFile", "Literal"], _rule("must be UriFolder, UriFile or Literal")
    ]
    uri: Annotated[DataUri | None, Field(description="Of UriFolder and UriFile")] = None
    value: Annotated[LiteralValue | None, Field(description="Of Literal")] = None

    @model_validator(mode="after")
    def _holds_what_its_type_needs(self) -> Self:
        needed, excluded = ("value", "uri") if self.type == "Literal" else ("uri", "value")
        if getattr(self, needed) is None or getattr(self, excluded) is not None:
            raise ValueError(f"type {self.type} takes {needed} and no {excluded}")
        return self


class JobOutput(_Strict):
    """A named output. What ``uri`` names must not exist yet; it may hold ``{run_id}``."""

    model_config = ConfigDict(json_schema_extra=JOB_OUTPUT_FORMS)

    type: DataType = "UriFile"
    uri: OutputUri

    @field_validator("uri")
    @classmethod
    def _names_a_file(cls, uri: str, fields: ValidationInfo) -> str:
        return check_output_file(uri) if fields.data.get("type") == "UriFile" else uri


class JobOverrides(_Strict):
    """Settings of the deployment that hold for the job of this run only. For model deployments."""

    mini_batch_size: Annotated[
        Annotated[int, _Between(1, _INT_32)] | None,
        Field(description="Files of one call of the scoring script"),
    ] = None
    instance_count: Annotated[
        Annotated[int, _Between(1, 1_000)] | None, Field(description="Nodes of the job")
    ] = None
    max_concurrency_per_instance: Annotated[
        Annotated[int, _Between(1, 1_000)] | None, Field(description="Processes on a node")
    ] = None
    error_threshold: Annotated[
        Annotated[int, _Between(-1, _INT_32)] | None,
        Field(description="Files that may fail before the job does; -1: any number"),
    ] = None
    max_retries: Annotated[
        Annotated[int, _Between(0, 1_000)] | None, Field(description="Retries of a mini batch")
    ] = None
    retry_timeout: Annotated[
        Annotated[int, _Between(1, MAX_MINI_BATCH_TIME)] | None,
        Field(description="Seconds that one mini batch may take"),
    ] = None
    output_file_name: Annotated[
        FileName | None,
        Field(description="File of the predictions, where the output does not name a file itself"),
    ] = None


Inputs = Annotated[dict[InputName, JobInput], Field(max_length=50, json_schema_extra=AT_LEAST_ONE)]
Outputs = Annotated[dict[OutputName, JobOutput], Field(max_length=50)]
Tags = Annotated[dict[TagName, TagValue], Field(max_length=MAX_TAGS)]


class BatchRunRequest(_Strict):
    """Body of ``POST /api/batch-runs``. Times are in seconds.

    It has either ``endpoint_input_uri``, with ``endpoint_input_type``, ``endpoint_output_uri`` and ``overrides`` if
    they are wanted, or ``inputs``, with ``outputs`` if they are wanted.
    """

    model_config = ConfigDict(json_schema_extra=REQUEST_FORMS)

    endpoint_uri: Annotated[
        Annotated[str, Field(max_length=300), _rule("must be text of at most 300 characters")] | None,
        Field(description="Scoring URI of the endpoint; default: BATCH_ENDPOINT_URI"),
    ] = None
    endpoint_input_uri: Annotated[
        DataUri | None,
        Field(
            description="Folder or file to score: datastore path, asset or storage URL. Required unless inputs are"
            " given"
        ),
    ] = None
    endpoint_input_type: Annotated[
        DataType,
        Field(description="Of endpoint_input_uri. Default: UriFolder", json_schema_extra=without_default),
    ] = "UriFolder"
    endpoint_output_uri: Annotated[
        OutputFile | None,
        Field(
            description="File for the predictions; must not exist yet. {run_id} stands for the run's id."
            " Default: DEFAULT_OUTPUT_URI, a file of its own in the store of the workspace. Not together with inputs"
        ),
    ] = None
    poll_interval: Annotated[
        Annotated[int, _Between(1, 86_400)],
        Field(description="Seconds between two checks of the job's status"),
    ] = 120
    inputs: Annotated[
        Inputs | None,
        Field(
            description="Instead of endpoint_input_uri: inputs by name. A parameter of a group has a name with dots,"
            " such as group.rate"
        ),
    ] = None
    outputs: Annotated[Outputs | None, Field(description="Outputs by name, together with inputs only")] = None
    deployment: Annotated[
        ResourceName | None, Field(description="Default: the endpoint's default deployment")
    ] = None
    experiment: Annotated[
        ResourceName | None, Field(description="For pipeline component deployments only")
    ] = None
    run_id: Annotated[RunId | None, Field(description="Makes the start idempotent. Default: a new id")] = None
    queue_timeout: Annotated[
        Timeout | None, Field(description="Seconds that the job may wait for capacity. Default: no limit")
    ] = None
    timeout: Annotated[Timeout, Field(description="Seconds that the run may take in all")] = 86_400
    on_timeout: Annotated[
        Literal["cancel", "leave"],
        _rule("must be cancel or leave"),
        Field(description="What happens to the job of a run out of time"),
    ] = "cancel"
    cancel_timeout: Annotated[
        Timeout | None,
        Field(
            description="Seconds that Azure ML may take to cancel the job after somebody asked for it."
            f" Default: {CANCEL_TIMEOUT}"
        ),
    ] = None
    overrides: Annotated[
        JobOverrides | None,
        Field(description="Settings of the deployment for this job only. Not together with inputs"),
    ] = None
    tags: Annotated[
        Tags | None,
        Field(
            description="Go with the job, and select runs in the list. For no secrets: anybody may see them"
        ),
    ] = None
    job_attempts: Annotated[
        Annotated[int, _Between(1, MAX_JOB_ATTEMPTS)],
        Field(description="Jobs that the run may submit in all, where one fails for a reason of retry_on"),
    ] = 1
    retry_on: Annotated[
        Annotated[
            list[Literal["preemption", "service"]],
            Field(min_length=1, max_length=2),
            _rule("must be a list of preemption, service or both"),
        ]
        | None,
        Field(description="Default: both, if job_attempts is above 1"),
    ] = None
