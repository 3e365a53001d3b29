"""What a caller may send to start a run, and what a run is then started with.

These rules hold for requests only. A run keeps a plain ``RunRequest``, which later rules do not touch.

The field names are those of the Data Factory pipeline ``Run-BatchEndpoint``, so a parameter set carries over.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, from_json

from batch.addresses import EndpointUri
from batch.api.request_schema import (
    AT_LEAST_ONE,
    JOB_INPUT_FORMS,
    JOB_OUTPUT_FORMS,
    NO_OTHER_NAMES,
    REQUEST_FORMS,
)
from batch.data_uri import (
    DATA_URI_PATTERN,
    OUTPUT_FILE_PATTERN,
    OUTPUT_URI_PATTERN,
    RUN_ID_PLACEHOLDER,
    check_data_uri,
    check_output_file,
    check_output_uri,
)
from batch.errors import FieldError, InvalidRequest
from batch.redaction import holds_secret
from batch.run.job_retry import RetryOn
from batch.run.request import CANCEL_TIMEOUT, Binding, RunRequest
from batch.settings import Settings

MAX_BODY_BYTES = 65_536
"""The request travels with every execution of its run, so it stays small."""
MAX_TIMEOUT = 30 * 86_400
"""Seconds. A longer timeout is more likely an error than a plan."""
MAX_JOB_ATTEMPTS = 5
MAX_ERRORS = 50
"""In one answer, which stays small whatever the body holds."""
MAX_URI_LENGTH = 2_048
"""Characters. Many services accept no longer URL."""
MAX_FIELD_LENGTH = 200
"""Characters of a field's name in an error: a caller may send any name."""
RUN_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
IDEMPOTENCY_KEY = "Idempotency-Key"

SHORT_FORM_INPUT = "input_data"
SHORT_FORM_OUTPUT = "output_data"
"""Names of the bindings in the short form; a model deployment ignores them."""

DataUri = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_URI_LENGTH),
    AfterValidator(check_data_uri),
    Field(json_schema_extra={"pattern": DATA_URI_PATTERN}),
]
OutputUri = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_URI_LENGTH),
    AfterValidator(check_output_uri),
    Field(json_schema_extra={"pattern": OUTPUT_URI_PATTERN}),
]
OutputFile = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_URI_LENGTH),
    AfterValidator(check_output_file),
    Field(json_schema_extra={"pattern": OUTPUT_FILE_PATTERN}),
]
BindingName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$")]
Timeout = Annotated[int, Field(ge=1, le=MAX_TIMEOUT)]


def _literal(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """One message instead of one for each type of the union. A whole number that is too long becomes no float."""
    too_long = isinstance(value, int) and not -(2**63) <= value < 2**63
    try:
        if not too_long:
            return validate(value)
    except ValidationError:
        pass
    raise ValueError("must be text of at most 2048 characters, a 64-bit number, true or false")


def _no_secret(value: Any) -> Any:
    if isinstance(value, str) and holds_secret(value):
        raise ValueError("holds a SAS signature, a key or a token, which would be stored with the run")
    return value


LiteralValue = Annotated[
    Annotated[str, Field(max_length=2_048)] | bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float,
    WrapValidator(_literal),
    AfterValidator(_no_secret),
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
    """A named input: data behind a URI, or a literal value for a pipeline component deployment."""

    model_config = ConfigDict(json_schema_extra=JOB_INPUT_FORMS)

    type: Literal["UriFolder", "UriFile", "Literal"]
    uri: DataUri | None = None
    value: LiteralValue | None = None

    @model_validator(mode="after")
    def _holds_what_its_type_needs(self) -> Self:
        needed, excluded = ("value", "uri") if self.type == "Literal" else ("uri", "value")
        if getattr(self, needed) is None or getattr(self, excluded) is not None:
            raise ValueError(f"type {self.type} takes {needed} and no {excluded}")
        return self


class JobOutput(_Strict):
    """A named output. What ``uri`` names must not exist yet; it may hold ``{run_id}``."""

    model_config = ConfigDict(json_schema_extra=JOB_OUTPUT_FORMS)

    type: Literal["UriFile", "UriFolder"] = "UriFile"
    uri: OutputUri

    @field_validator("uri")
    @classmethod
    def _names_a_file(cls, uri: str, fields: ValidationInfo) -> str:
        return check_output_file(uri) if fields.data.get("type") == "UriFile" else uri


Inputs = Annotated[
    dict[BindingName, JobInput], Field(max_length=50, json_schema_extra={**NO_OTHER_NAMES, **AT_LEAST_ONE})
]
Outputs = Annotated[dict[BindingName, JobOutput], Field(max_length=50, json_schema_extra=NO_OTHER_NAMES)]


class BatchRunRequest(_Strict):
    """Body of ``POST /api/batch-runs``. Times are in seconds."""

    model_config = ConfigDict(json_schema_extra=REQUEST_FORMS)

    endpoint_uri: Annotated[
        str | None,
        Field(max_length=300, description="Scoring URI of the endpoint; default: BATCH_ENDPOINT_URI"),
    ] = None
    endpoint_input_uri: Annotated[
        DataUri | None, Field(description="Folder or file to score: datastore path, asset or storage URL")
    ] = None
    endpoint_input_type: Literal["UriFolder", "UriFile"] = "UriFolder"
    endpoint_output_uri: Annotated[
        OutputFile | None,
        Field(
            description="File for the predictions; must not exist yet. {run_id} stands for the run's id."
            " Default: DEFAULT_OUTPUT_URI, a file of its own in the store of the workspace"
        ),
    ] = None
    poll_interval: Annotated[
        int, Field(ge=1, le=86_400, description="Seconds between two checks of the job's status")
    ] = 120
    inputs: Annotated[Inputs | None, Field(description="Instead of the short form")] = None
    outputs: Annotated[Outputs | None, Field(description="Instead of the short form")] = None
    deployment: Annotated[
        ResourceName | None, Field(description="Default: the endpoint's default deployment")
    ] = None
    experiment: Annotated[
        ResourceName | None, Field(description="For pipeline component deployments only")
    ] = None
    run_id: Annotated[
        Annotated[str, StringConstraints(pattern=RUN_ID_PATTERN)] | None,
        Field(description="Makes the start idempotent. Default: a new id"),
    ] = None
    queue_timeout: Annotated[
        Timeout | None, Field(description="Seconds that the job may wait for capacity. Default: no limit")
    ] = None
    timeout: Annotated[Timeout, Field(description="Seconds that the run may take in all")] = 86_400
    on_timeout: Annotated[
        Literal["cancel", "leave"], Field(description="What happens to the job of a run out of time")
    ] = "cancel"
    cancel_timeout: Annotated[
        Timeout | None,
        Field(
            description="Seconds that Azure ML may take to cancel the job after somebody asked for it."
            f" Default: {CANCEL_TIMEOUT}"
        ),
    ] = None
    job_attempts: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_JOB_ATTEMPTS,
            description="Jobs that the run may submit in all, where one fails for a reason of retry_on",
        ),
    ] = 1
    retry_on: Annotated[
        list[Annotated[RetryOn, Strict(False)]] | None,
        Field(min_length=1, max_length=len(RetryOn), description="Default: all, if job_attempts is above 1"),
    ] = None


def parse_request(body: bytes, idempotency_key: str | None, settings: Settings) -> tuple[str, RunRequest]:
    """The run id (given, or new) and the request. Raises InvalidRequest with every reason found."""
    return parse_fields(_json_object(body), idempotency_key, settings)


def parse_fields(
    fields: Mapping[str, Any], idempotency_key: str | None, settings: Settings
) -> tuple[str, RunRequest]:
    """As ``parse_request``, for a body that is parsed already."""
    errors = [
        *_form_errors(fields),
        *_endpoint_errors(fields.get("endpoint_uri"), settings),
        *_idempotency_errors(fields.get("run_id"), idempotency_key),
    ]
    try:
        given = BatchRunRequest.model_validate(fields)
    except ValidationError as error:
        found = [_field_error(details) for details in error.errors(include_url=False, include_input=False)]
        raise InvalidRequest((found + errors)[:MAX_ERRORS]) from None
    if errors:
        raise InvalidRequest(errors)
    run_id = given.run_id or idempotency_key or uuid4().hex
    return run_id, _with_defaults(given, run_id, settings)


def _with_defaults(given: BatchRunRequest, run_id: str, settings: Settings) -> RunRequest:
    inputs = {
        name: Binding(type=given_input.type, uri=given_input.uri, value=given_input.value)
        for name, given_input in (given.inputs or {}).items()
    }
    outputs = {
        name: _output(output, run_id, f"outputs.{name}.uri") for name, output in (given.outputs or {}).items()
    }
    if given.endpoint_input_uri:
        inputs[SHORT_FORM_INPUT] = Binding(type=given.endpoint_input_type, uri=given.endpoint_input_uri)
        if output_uri := given.endpoint_output_uri or settings.default_output:
            output = _output(JobOutput(uri=output_uri), run_id, "endpoint_output_uri")
            by_default = given.endpoint_output_uri is None
            outputs[SHORT_FORM_OUTPUT] = output.model_copy(update={"by_default": by_default})
    return RunRequest(
        endpoint_uri=str(_endpoint(given.endpoint_uri, settings)),
        inputs=inputs,
        outputs=outputs,
        deployment=given.deployment,
        experiment=given.experiment,
        poll_interval=given.poll_interval,
        queue_timeout=given.queue_timeout,
        timeout=given.timeout,
        on_timeout=given.on_timeout,
        cancel_timeout=given.cancel_timeout,
        job_attempts=given.job_attempts,
        retry_on=_retry_on(given),
    )


def _retry_on(given: BatchRunRequest) -> tuple[str, ...]:
    """Each once and in one order, so that the same wish makes the same request."""
    if given.job_attempts == 1:
        return ()
    return tuple(cause.value for cause in RetryOn if given.retry_on is None or cause in given.retry_on)


def _output(output: JobOutput, run_id: str, field: str) -> Binding:
    uri = output.uri.replace(RUN_ID_PLACEHOLDER, run_id)
    if len(uri) > MAX_URI_LENGTH:
        raise InvalidRequest(
            [FieldError(field, f"is longer than {MAX_URI_LENGTH} characters with the run id in it")]
        )
    return Binding(type=output.type, uri=uri, template=output.uri if uri != output.uri else None)


def _json_object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise InvalidRequest([FieldError("body", f"must be at most {MAX_BODY_BYTES} bytes")])
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest([FieldError("body", f"must be JSON: {error}")]) from None
    if not isinstance(value, dict):
        raise InvalidRequest([FieldError("body", "must be a JSON object")])
    return value


def _form_errors(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """Fields that do not go together: the short form and named bindings exclude each other, one names the input."""
    named = [name for name in ("inputs", "outputs") if fields.get(name) is not None]
    short = [
        name
        for name in ("endpoint_input_uri", "endpoint_input_type", "endpoint_output_uri")
        if fields.get(name) is not None
    ]
    if named:
        for name in short:
            yield FieldError(name, f"cannot be combined with {' and '.join(named)}")
    if fields.get("inputs") is None and fields.get("endpoint_input_uri") is None:
        yield FieldError("endpoint_input_uri", "is required unless inputs are given")
    if fields.get("inputs") == {}:
        yield FieldError("inputs", "must name at least one input")
    if fields.get("retry_on") is not None and fields.get("job_attempts") in (None, 1):
        yield FieldError("retry_on", "has no effect unless job_attempts is 2 or more")


def _endpoint(given: str | None, settings: Settings) -> EndpointUri:
    """Raises ValueError unless ``given``, or else the default, is an endpoint that may get our token."""
    if given is None:
        if settings.endpoint_uri is None:
            raise ValueError("is required: the app setting BATCH_ENDPOINT_URI gives no default")
        return settings.endpoint_uri
    endpoint = EndpointUri.parse(given)
    if not settings.allows(endpoint):
        raise ValueError(
            "names a host that is not allowed: add its origin to the app setting ALLOWED_ENDPOINT_ORIGINS"
        )
    return endpoint


def _endpoint_errors(given: object, settings: Settings) -> Iterator[FieldError]:
    if given is None or isinstance(given, str):
        try:
            _endpoint(given, settings)
        except ValueError as error:
            yield FieldError("endpoint_uri", str(error))


def _idempotency_errors(run_id: object, key: str | None) -> Iterator[FieldError]:
    if key is None:
        return
    if not re.fullmatch(RUN_ID_PATTERN, key):
        yield FieldError(IDEMPOTENCY_KEY, f"must match {RUN_ID_PATTERN}")
    elif run_id is not None and run_id != key:
        yield FieldError(IDEMPOTENCY_KEY, "differs from run_id; give one of them, or the same in both")


def _field_error(details: ErrorDetails) -> FieldError:
    """Pydantic's error in our words; ``[key]`` marks a wrong key and is not part of the field's name."""
    field = ".".join(str(part) for part in details["loc"] if part != "[key]")[:MAX_FIELD_LENGTH]
    if details["type"] == "extra_forbidden":
        return FieldError(field, "is not a known field")
    return FieldError(field, details["msg"].removeprefix("Value error, "))
