"""Other spellings of a request, as people and tools send them, become the one that the fields take.

What is not known here stays as it is: the rules of the fields refuse it.
"""

import re
from collections.abc import Mapping
from typing import Any

from batch.api.request_fields import BatchRunRequest, JobOverrides

_FIELDS = frozenset(BatchRunRequest.model_fields)
WHOLE_NUMBERS = frozenset({"poll_interval", "queue_timeout", "timeout", "cancel_timeout", "job_attempts"})
OVERRIDE_NUMBERS = frozenset(JobOverrides.model_fields) - {"output_file_name"}
_NUMBER_AS_TEXT = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?", re.ASCII)
_ENDPOINT = re.compile(r"((?i:https)://[^/?#\\\s]+)(?:/jobs)?/?", re.ASCII)
_OPTIONS = frozenset({"overrides", "tags"})
"""Without a name in it, such an object says nothing."""
_CHOICES = {
    word.casefold(): word
    for word in ("UriFolder", "UriFile", "Literal", "cancel", "leave", "preemption", "service")
}


def normalized(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Null and empty text count as absent: pipelines send them for parameters that were not set."""
    request = {name: value for name, value in fields.items() if name not in _FIELDS or not _is_absent(value)}
    for name, value in request.items():
        match name:
            case "endpoint_uri":
                request[name] = scoring_uri(value)
            case "endpoint_input_type" | "on_timeout":
                request[name] = _choice(value)
            case "inputs":
                request[name] = _each(value, _input)
            case "outputs":
                request[name] = _each(value, _output)
            case "retry_on":
                request[name] = _choices(value)
            case "overrides":
                request[name] = _overrides(value)
            case "tags":
                request[name] = _present(value)
            case _ if name in WHOLE_NUMBERS:
                request[name] = _whole_number(value)
    return {name: value for name, value in request.items() if not (name in _OPTIONS and value == {})}


def scoring_uri(value: Any) -> Any:
    """With the path ``/jobs``: people know the endpoint's address without it, or with a slash at the end."""
    match = _ENDPOINT.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]}/jobs" if match else value


def _is_absent(value: Any) -> bool:
    return value is None or value == ""


def _present(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if not _is_absent(each)}


def _whole_number(value: Any) -> Any:
    """From ``"120"`` and ``120.0``: pipelines turn numbers into text, and JSON has one kind of number only."""
    if isinstance(value, str) and (match := _NUMBER_AS_TEXT.fullmatch(value.strip())):
        return int(match[1])
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _choice(value: Any) -> Any:
    """From ``uri_folder``, as Azure ML's command line has it, ``urifolder`` or ``URIFOLDER``."""
    if not isinstance(value, str):
        return value
    return _CHOICES.get(re.sub("[ _-]", "", value).casefold(), value)


def _choices(value: Any) -> Any:
    if isinstance(value, str):
        return [_choice(value)]
    return [_choice(each) for each in value] if isinstance(value, list) else value


def _each(value: Any, spell: Any) -> Any:
    return {name: spell(each) for name, each in value.items()} if isinstance(value, dict) else value


def _input(value: Any) -> Any:
    return {"type": "UriFolder", "uri": value} if _looks_like_uri(value) else _binding(value)


def _output(value: Any) -> Any:
    return {"uri": value} if _looks_like_uri(value) else _binding(value)


def _looks_like_uri(value: Any) -> bool:
    """Other text in the place of an input may be meant as a literal."""
    return isinstance(value, str) and (":" in value or value.startswith("/"))


def _binding(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    # An empty literal is a value, and an unknown name is refused whatever it holds.
    kept = {name: each for name, each in value.items() if name not in ("type", "uri") or not _is_absent(each)}
    return kept | ({"type": _choice(kept["type"])} if "type" in kept else {})


def _overrides(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: _whole_number(each) if name in OVERRIDE_NUMBERS else each
        for name, each in value.items()
        if name not in JobOverrides.model_fields or not _is_absent(each)
    }
