"""Errors of the HTTP API, as ``application/problem+json`` (RFC 9457)."""

import json
from collections.abc import Sequence

import azure.functions as func

from batch.api.responses import ProblemDetails
from batch.errors import FieldError

_TITLES = {
    400: "The request is not valid",
    404: "No such run",
    409: "The run is in another state",
    503: "The task hub did not answer in time",
}


def problem(status: int, detail: str, errors: Sequence[FieldError] = ()) -> func.HttpResponse:
    """``errors`` lists every wrong field as ``{field, message}``."""
    body: ProblemDetails = {"title": _TITLES[status], "status": status, "detail": detail}
    if errors:
        body["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/problem+json")
