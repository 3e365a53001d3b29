"""The rules of the request's own validators as JSON Schema, for the OpenAPI document."""

from pydantic.config import JsonDict

from batch.data_uri import OUTPUT_FILE_PATTERN

_NULL: JsonDict = {"type": "null"}

NO_OTHER_NAMES: JsonDict = {"additionalProperties": False}
AT_LEAST_ONE: JsonDict = {"minProperties": 1}

JOB_INPUT_FORMS: JsonDict = {
    "anyOf": [
        {
            "properties": {
                "type": {"enum": ["UriFolder", "UriFile"]},
                "uri": {"type": "string"},
                "value": _NULL,
            },
            "required": ["uri"],
        },
        {
            "properties": {
                "type": {"const": "Literal"},
                "uri": _NULL,
                "value": {"type": ["string", "boolean", "number"]},
            },
            "required": ["value"],
        },
    ]
}

JOB_OUTPUT_FORMS: JsonDict = {
    "if": {"properties": {"type": {"const": "UriFolder"}}, "required": ["type"]},
    "else": {"properties": {"uri": {"pattern": OUTPUT_FILE_PATTERN}}},
}

REQUEST_FORMS: JsonDict = {
    "anyOf": [
        {
            "title": "Short form, with the parameters of the Data Factory pipeline",
            "properties": {"endpoint_input_uri": {"type": "string"}, "inputs": _NULL, "outputs": _NULL},
            "required": ["endpoint_input_uri"],
        },
        {
            "title": "Named inputs and outputs",
            "properties": {
                "endpoint_input_uri": _NULL,
                "endpoint_input_type": False,
                "endpoint_output_uri": _NULL,
                "inputs": {"type": "object"},
            },
            "required": ["inputs"],
        },
    ]
}
