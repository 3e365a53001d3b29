"""Errors of the HTTP API, as ``application/problem+json`` (RFC 9457)."""

import json
import logging
from collections.abc import Sequence

import azure.functions as func

from batch.api.responses import ApiError, ProblemDetails
from batch.errors import FieldError
from batch.log import log_event

logger = logging.getLogger(__name__)


def error_response(kind: ApiError, detail: str, errors: Sequence[FieldError] = ()) -> func.HttpResponse:
    """``errors`` lists every wrong field as ``{field, message}``."""
    if kind is ApiError.STORE_UNAVAILABLE:
        # The caller can only try again: the reason is for those who operate the app.
        log_event(logger, logging.WARNING, "request_not_served", reason=detail)
    body: ProblemDetails = {"title": kind.title, "status": kind.status, "detail": detail}
    if errors:
        body["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    return func.HttpResponse(json.dumps(body), status_code=kind.status, mimetype="application/problem+json")
