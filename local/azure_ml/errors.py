"""Answers that report an error.

Azure ML has two JSON envelopes: that of the management frontend (ARM uses it too; ARM's own errors have only
code and message) and that of internal services behind the inference host. The front door sometimes answers
in plain text.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

ENTRA_POLICY_TEXT = (
    "Microsoft Entra Token denied by policy, please review the role assignments of the caller: "
    "https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-batch-endpoint"
)


class Refused(Exception):
    """A handler raises it to answer with ``response`` instead of a success."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_answer(
    status: int, body: object, headers: Mapping[str, str] | None = None, response_type: str | None = None
) -> web.Response:
    extra = {"x-ms-response-type": response_type} if response_type else {}
    return web.Response(
        status=status,
        text=json.dumps(body, separators=(",", ":")),
        content_type="application/json",
        charset="utf-8",
        headers={**extra, **(headers or {})},
    )


def frontend_error(
    status: int,
    code: str,
    message: str,
    details: list[tuple[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """The management frontend's envelope, with ``details`` as pairs of code and message."""
    operation, request = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    info: list[tuple[str, object]] = [
        ("ComponentName", "managementfrontend"),
        ("Correlation", {"operation": operation, "request": request}),
        ("Environment", "local"),
        ("Location", "local"),
        ("Time", datetime.now(UTC).isoformat()),
    ]
    body = {
        "error": {
            "code": code,
            "message": message,
            "details": [{"code": c, "message": m} for c, m in details or []],
            "additionalInfo": [{"type": kind, "info": {"value": value}} for kind, value in info],
        }
    }
    return json_answer(status, body, headers, "error")


def service_error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The envelope of an internal service, as the inference host passes it on."""
    body = {
        "error": {
            "code": code,
            "severity": None,
            "message": message,
            "messageFormat": None,
            "messageParameters": None,
            "referenceCode": None,
            "detailsUri": None,
            "target": None,
            "details": [],
            "innerError": None,
            "debugInfo": None,
            "additionalInfo": None,
        },
        "correlation": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]},
        "environment": "local",
        "location": "local",
        "time": datetime.now(UTC).isoformat(),
    }
    return json_answer(status, body, headers, "error")


def arm_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error of ARM itself, before it calls a resource provider."""
    return json_answer(status, {"error": {"code": code, "message": message}}, headers)


def text_answer(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/plain", headers=headers)


def entra_error(
    status: int, error: str, code: int, text: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An OAuth error with Entra's AADSTS code and its ids."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    timestamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    body = {
        "error": error,
        "error_description": (
            f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
        ),
        "error_codes": [code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return json_answer(status, body, headers)
