"""Parses the body of an invoke: property names in any letter case, names of inputs and outputs as given."""

import json
import re
from collections.abc import Mapping
from typing import Literal

from local.azure_ml.config import Deployment
from local.azure_ml.jobs.job import DataInput, DataOutput, JobRequest

_LABEL = re.compile(r"azureml:[^/:@]+@.*")


class InvalidRequest(Exception):
    """The body is not a valid invoke; the text says which field is wrong."""


def parse(body: bytes, deployment: Deployment, keep_tags: bool) -> JobRequest:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"The request body is not valid JSON: {error}") from error
    properties = _folded(_folded(document, "The request body").get("properties"), "The properties field")
    inputs: dict[str, DataInput] = {}
    literals: dict[str, str] = {}
    for name, given in _mapping(properties.get("inputdata"), "The InputData field").items():
        one = _folded(given, f"The InputData.{name} field")
        if one.get("jobinputtype") == "Literal":
            literals[name] = _literal(one.get("value"), name)
        else:
            inputs[name] = DataInput(_kind(one.get("jobinputtype"), name), _uri(one, f"InputData.{name}"))
    outputs: dict[str, DataOutput] = {}
    for name, given in _mapping(properties.get("outputdata"), "The OutputData field").items():
        one = _folded(given, f"The OutputData.{name} field")
        outputs[name] = DataOutput(_kind(one.get("joboutputtype"), name), _uri(one, f"OutputData.{name}"))
    if deployment.kind == "model":
        _check_model_request(inputs, literals, outputs)
    inner = _folded(properties.get("properties") or {}, "The properties.properties field")
    experiment = inner.get("experimentname")
    tags = _mapping(properties.get("tags"), "The tags field") if keep_tags else {}
    return JobRequest(
        inputs=inputs,
        literals=literals,
        outputs=outputs,
        tags={name: str(value) for name, value in tags.items()},
        experiment=str(experiment) if experiment and deployment.kind == "pipeline-component" else None,
    )


def _check_model_request(
    inputs: Mapping[str, DataInput], literals: Mapping[str, str], outputs: Mapping[str, DataOutput]
) -> None:
    if literals:
        raise InvalidRequest("Literal inputs are supported by pipeline component deployments only.")
    if len(inputs) != 1:
        raise InvalidRequest(
            f"A model deployment takes exactly one data input, the request has {len(inputs)}."
        )
    if len(outputs) > 1:
        raise InvalidRequest(
            f"A model deployment has exactly one data output, the request has {len(outputs)}."
        )


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"{what} must be an object.")
    return value


def _folded(value: object, what: str) -> dict[str, object]:
    if value is None:
        raise InvalidRequest(f"{what} is required.")
    return {name.lower(): inner for name, inner in _mapping(value, what).items()}


def _kind(value: object, name: str) -> Literal["UriFile", "UriFolder"]:
    if value == "UriFile":
        return "UriFile"
    if value == "UriFolder":
        return "UriFolder"
    raise InvalidRequest(f"The type {value!r} of {name} is not supported; use UriFile or UriFolder.")


def _uri(one: Mapping[str, object], what: str) -> str:
    uri = one.get("uri")
    if not isinstance(uri, str) or not uri:
        raise InvalidRequest(f"The {what}.Uri field is required.")
    if _LABEL.fullmatch(uri):
        # The words of the service: it takes versions of assets, and no labels.
        raise InvalidRequest(
            "dataVersion is invalid. It can only contain alphanumeric characters, dashes, underscores, and periods"
        )
    return uri


def _literal(value: object, name: str) -> str:
    if isinstance(value, bool | int | float | str):
        return str(value)
    raise InvalidRequest(f"The Value of literal {name} must be a string, a boolean or a number.")
