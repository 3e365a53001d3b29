"""Why the fields of a request are refused, in the words of this API."""

from pydantic_core import ErrorDetails

from batch.api.meant_names import unknown_name
from batch.errors import FieldError

MAX_FIELD_LENGTH = 200
"""Characters of a field's name in an error: a caller may send any name."""
_FORMS = {
    "inputs": (
        "must be a JSON object with a name for each input",
        'must be {"type": "UriFolder" or "UriFile", "uri": "…"}, {"type": "Literal", "value": …}, or a URI as text,'
        " which names a folder",
    ),
    "outputs": (
        "must be a JSON object with a name for each output",
        'must be {"type": "UriFile" or "UriFolder", "uri": "…"}, or a URI as text, which names a file',
    ),
    "overrides": ('must be a JSON object, such as {"mini_batch_size": 20}',),
    "tags": ('must be a JSON object with texts, such as {"team": "fraud"}',),
}
_REQUIRED = {"type": "is required: UriFolder, UriFile or Literal", "uri": "is required"}


def field_error(details: ErrorDetails) -> FieldError:
    """An error of the fields' validation. ``[key]`` marks a wrong name, and is not part of it."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    return FieldError(".".join(map(str, path))[:MAX_FIELD_LENGTH], _words(details, path))


def _words(details: ErrorDetails, path: tuple[int | str, ...]) -> str:
    match details["type"]:
        case "value_error":
            return details["msg"].removeprefix("Value error, ")
        case "extra_forbidden":
            return unknown_name(path)
        case "missing":
            return _REQUIRED.get(str(path[-1]), "is required")
        case "too_long":
            return f"has more than {details['ctx']['max_length']} names"
        case "dict_type" | "model_type" | "model_attributes_type" if path and path[0] in _FORMS:
            forms = _FORMS[str(path[0])]
            return forms[min(len(path), len(forms)) - 1]
    return "is not of the right form"
