"""The rules of the request's own validators as JSON Schema, for the OpenAPI document.

They are conditions (``if``), which generators of clients pass over: these make a union of ``anyOf``, and fail at its
parts. The descriptions say the same in words.
"""

from pydantic.config import JsonDict

from batch.data_uri import OUTPUT_FILE_PATTERN

_NULL: JsonDict = {"type": "null"}
_SHORT_FORM = ("endpoint_input_uri", "endpoint_input_type", "endpoint_output_uri", "overrides")

LITERAL: JsonDict = {"type": ["string", "boolean", "number"]}
AT_LEAST_ONE: JsonDict = {"minProperties": 1}

JOB_INPUT_FORMS: JsonDict = {
    "if": {"properties": {"type": {"const": "Literal"}}},
    "then": {"properties": {"uri": _NULL, "value": LITERAL}, "required": ["value"]},
    "else": {"properties": {"uri": {"type": "string"}, "value": _NULL}, "required": ["uri"]},
}

JOB_OUTPUT_FORMS: JsonDict = {
    "if": {"properties": {"type": {"const": "UriFolder"}}, "required": ["type"]},
    "else": {"properties": {"uri": {"pattern": OUTPUT_FILE_PATTERN}}},
}

REQUEST_FORMS: JsonDict = {
    "if": {"properties": {"inputs": {"type": "object"}}, "required": ["inputs"]},
    "then": {"properties": dict.fromkeys(_SHORT_FORM, _NULL)},
    "else": {
        "properties": {"endpoint_input_uri": {"type": "string"}, "outputs": _NULL},
        "required": ["endpoint_input_uri"],
    },
    "dependentSchemas": {
        "retry_on": {"properties": {"job_attempts": {"minimum": 2}}, "required": ["job_attempts"]}
    },
}


def without_default(field: JsonDict) -> None:
    """A generated client sends each default, also of a field that the other fields exclude."""
    field.pop("default", None)
