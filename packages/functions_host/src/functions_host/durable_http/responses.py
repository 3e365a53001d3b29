"""Responses of the management API: JSON, and the error envelopes."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from functions_host.durable.errors import (
    ArgumentError,
    InvalidOperationError,
    OrchestrationAlreadyExistsError,
)
from functions_host.worker.client_binding import management_urls

_START_POLLING_SECONDS = "10"


class BadRequestError(Exception):
    """The request itself is wrong; answered 400 with ``{"Message": …}`` alone."""


class InvalidJsonError(Exception):
    """The body is not JSON; answered 400 with the envelope of the .NET error."""


_DOTNET_TYPES: Mapping[type[Exception], str] = {
    ArgumentError: "System.ArgumentException",
    InvalidJsonError: "Newtonsoft.Json.JsonReaderException",
    OrchestrationAlreadyExistsError: "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
    InvalidOperationError: "System.InvalidOperationException",
}


def json_response(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(payload), content_type="application/json", headers=headers
    )


def empty_response(status: int) -> web.Response:
    # The durable client parses every body as JSON, so an answer without content must have no body.
    return web.Response(status=status)


def check_status_response(request: web.Request, hub_name: str, instance_id: str) -> web.Response:
    urls = management_urls(f"{request.scheme}://{request.host}", hub_name, instance_id)
    headers = {"Location": urls["statusQueryGetUri"], "Retry-After": _START_POLLING_SECONDS}
    return json_response(urls, 202, headers)


def message_response(status: int, message: str) -> web.Response:
    return json_response({"Message": message}, status)


def envelope_response(status: int, message: str, error: Exception) -> web.Response:
    envelope = {
        "Message": message,
        "ExceptionMessage": str(error),
        "ExceptionType": _DOTNET_TYPES.get(type(error), type(error).__name__),
        "StackTrace": "",
    }
    return json_response(envelope, status)


def error_response(error: Exception) -> web.Response:
    """400 for an error of the caller, else 500."""
    match error:
        case BadRequestError():
            return message_response(400, str(error))
        case InvalidJsonError():
            return envelope_response(400, "Invalid JSON content", error)
        case ArgumentError():
            return envelope_response(400, "One or more of the arguments submitted is incorrect", error)
    return envelope_response(500, "Something went wrong while processing your request", error)
