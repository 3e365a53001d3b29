"""What a caller may send to start a run, and what a run is then started with.

These rules hold for requests only. A run keeps a plain ``RunRequest``, which later rules do not touch.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from batch.addresses import EndpointUri
from batch.api.request_body import json_object
from batch.api.request_fields import (
    RUN_ID_PATTERN,
    RUN_ID_RULE,
    BatchRunRequest,
    JobOutput,
    JobOverrides,
)
from batch.api.request_spelling import normalized
from batch.api.request_words import field_error
from batch.data_uri import MAX_URI_LENGTH, RUN_ID_PLACEHOLDER
from batch.errors import FieldError, InvalidRequest
from batch.run.job_retry import RetryOn
from batch.run.request import Binding, Overrides, RunRequest
from batch.settings import Settings

MAX_ERRORS = 50
"""In one answer, which stays small whatever the body holds."""
RESERVED_RUN_ID = "rerun"
"""``POST /api/batch-runs/rerun`` is an address of its own."""
IDEMPOTENCY_KEY = "Idempotency-Key"

SHORT_FORM_INPUT = "input_data"
SHORT_FORM_OUTPUT = "output_data"
"""Names of the bindings in the short form; a model deployment ignores them."""
_SHORT_FORM = ("endpoint_input_uri", "endpoint_input_type", "endpoint_output_uri")
_MOST_NAMED = 10
"""Endpoints that an error names: an app may allow many."""


def parse_request(body: bytes, idempotency_key: str | None, settings: Settings) -> tuple[str, RunRequest]:
    """The run id (given, or new) and the request. Raises InvalidRequest with every reason found."""
    return parse_fields(json_object(body), idempotency_key, settings)


def parse_fields(
    fields: Mapping[str, Any], idempotency_key: str | None, settings: Settings
) -> tuple[str, RunRequest]:
    """As ``parse_request``, for a body that is parsed already."""
    fields = normalized(fields)
    errors = [
        *_form_errors(fields),
        *_endpoint_errors(fields.get("endpoint_uri"), settings),
        *_idempotency_errors(fields.get("run_id"), idempotency_key),
    ]
    try:
        given = BatchRunRequest.model_validate(fields)
    except ValidationError as error:
        found = [field_error(details) for details in error.errors(include_url=False, include_input=False)]
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
        if output_uri := given.endpoint_output_uri or _default_output(given.overrides, settings):
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
        overrides=_overrides(given.overrides),
        tags=given.tags or {},
        job_attempts=given.job_attempts,
        retry_on=_retry_on(given),
    )


def _retry_on(given: BatchRunRequest) -> tuple[str, ...]:
    """Each once and in one order, so that the same wish makes the same request."""
    if given.job_attempts == 1:
        return ()
    return tuple(cause.value for cause in RetryOn if given.retry_on is None or cause in given.retry_on)


def _overrides(given: JobOverrides | None) -> Overrides | None:
    """None if nothing is overridden: the same request as one without overrides."""
    named = given.model_dump(exclude_none=True) if given else {}
    return Overrides(**named) if named else None


def _default_output(overrides: JobOverrides | None, settings: Settings) -> str:
    """The file has the name that the caller wants for it."""
    if not (settings.default_output and overrides and overrides.output_file_name):
        return settings.default_output
    folder, slash, _ = settings.default_output.rpartition("/")
    return f"{folder}{slash}{overrides.output_file_name}"


def _output(output: JobOutput, run_id: str, field: str) -> Binding:
    uri = output.uri.replace(RUN_ID_PLACEHOLDER, run_id)
    if len(uri) > MAX_URI_LENGTH:
        raise InvalidRequest(
            [FieldError(field, f"is longer than {MAX_URI_LENGTH} characters with the run id in it")]
        )
    return Binding(type=output.type, uri=uri, template=output.uri if uri != output.uri else None)


def _form_errors(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """Fields that do not go together: the short form and named bindings exclude each other, one names the input."""
    named = [name for name in ("inputs", "outputs") if fields.get(name) is not None]
    if named:
        for name in _SHORT_FORM:
            if fields.get(name) is not None:
                yield FieldError(name, f"cannot be combined with {' and '.join(named)}")
        if fields.get("overrides") is not None:
            yield FieldError("overrides", "are for model deployments: they cannot be combined with inputs")
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
            f"names a host that is not allowed. Allowed: {_names(settings)}. For another one, add its origin to the"
            " app setting ALLOWED_ENDPOINT_ORIGINS"
        )
    return endpoint


def _names(settings: Settings) -> str:
    origins = sorted(map(str, settings.allowed_origins))
    more = len(origins) - _MOST_NAMED
    return ", ".join(origins[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _endpoint_errors(given: object, settings: Settings) -> Iterator[FieldError]:
    if given is None or isinstance(given, str):
        try:
            _endpoint(given, settings)
        except ValueError as error:
            yield FieldError("endpoint_uri", str(error))


def _idempotency_errors(run_id: object, key: str | None) -> Iterator[FieldError]:
    if RESERVED_RUN_ID in (run_id, key):
        yield FieldError("run_id", f"must not be {RESERVED_RUN_ID}, which is an address of this API")
    if key is None:
        return
    if not re.fullmatch(RUN_ID_PATTERN, key):
        yield FieldError(IDEMPOTENCY_KEY, RUN_ID_RULE)
    elif run_id is not None and run_id != key:
        yield FieldError(IDEMPOTENCY_KEY, "differs from run_id; give one of them, or the same in both")
