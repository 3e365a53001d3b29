"""What a caller may send to run a run again: nothing, or that the run before has no job."""

from typing import Annotated, Any

from pydantic import Field
from pydantic_core import from_json

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.errors import FieldError, InvalidRequest

_CONFIRM = "confirm_no_job"
_NO_OBJECT = 'must be empty, or a JSON object such as {"confirm_no_job": true}'


class RerunRequest(TypedDict, total=False):
    """Body of ``POST /api/batch-runs/{run_id}/rerun``; it may be left out."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]  # noqa: RUF012

    confirm_no_job: Annotated[
        bool,
        Field(description="True: you have looked, and the run before has no job that runs, and gets none"),
    ]


def parse_rerun(body: bytes) -> bool:
    """Whether the caller confirms that there is no job. Raises InvalidRequest."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        return False
    try:
        fields: Any = from_json(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise InvalidRequest([FieldError("body", _NO_OBJECT)])
    errors = [FieldError(name[:200], "is not a known field") for name in fields if name != _CONFIRM][:50]
    confirmed = fields.get(_CONFIRM, False)
    if not isinstance(confirmed, bool):
        errors.append(FieldError(_CONFIRM, "must be true or false"))
    if errors:
        raise InvalidRequest(errors)
    return bool(confirmed)
