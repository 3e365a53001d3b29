"""A server that imitates one of Azure's: routes, request log, faults."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from local.azure_ml import errors
from local.azure_ml.testing.faults import Body, Fault, Faults, FaultSpec, Operation
from local.azure_ml.testing.request_log import RequestLog, RequestRecord

_MAX_BODY = 4 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """A request as its handler gets it: ``names`` of its path, and the faults that change the operation."""

    request: web.Request
    names: dict[str, str]
    body: bytes
    record: RequestRecord
    changes: tuple[Fault, ...]

    def change(self, action: str) -> Fault | None:
        return next((fault for fault in self.changes if fault.spec.action == action), None)


Handler = Callable[[Call], Awaitable[web.Response]]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    operation: Operation
    handler: Handler


class _Dropped(Exception):
    """The server must cut the connection without an answer."""


class EmulatedServer:
    """Serves ``routes``. Paths match in any letter case, as at Azure's front doors.

    ``default_body`` is the form of an injected error if its fault names none.
    """

    def __init__(
        self,
        name: str,
        routes: list[Route],
        not_found: Callable[[str], web.Response],
        default_body: Body,
        faults: Faults,
        log: RequestLog,
    ) -> None:
        self._name = name
        self._routes = [(route, re.compile(route.pattern, re.IGNORECASE)) for route in routes]
        self._not_found = not_found
        self._default_body = default_body
        self._faults = faults
        self._log = log

    def application(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    def _route(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        for route, pattern in self._routes:
            match = pattern.fullmatch(path)
            if match and route.method == method:
                return route, match.groupdict()
        return None, {}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        route, names = self._route(request.method, request.path)
        operation = route.operation if route else Operation.OTHER
        body = await request.read()
        record = self._log.add(self._name, operation, request, body)
        applying = self._faults.applying_to(operation, names.get("job"), record.asked_audience)
        changes = tuple(fault for fault in applying if fault.spec.changes_operation)
        trickling = next((fault for fault in applying if fault.spec.action == "trickle"), None)
        try:
            answer = await self._injected(applying, "before")
            if answer is None:
                answer = await self._handled(route, Call(request, names, body, record, changes))
                answer = await self._injected(applying, "after") or answer
            sent = answer if trickling is None else await _trickled(request, answer, trickling)
        except _Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        record.status = answer.status
        return sent

    async def _handled(self, route: Route | None, call: Call) -> web.Response:
        if route is None:
            return self._not_found(call.request.path)
        try:
            return await route.handler(call)
        except errors.Refused as refused:
            return refused.response

    async def _injected(self, applying: list[Fault], when: str) -> web.Response | None:
        for fault in applying:
            spec = fault.spec
            if spec.when != when or spec.changes_operation or spec.action == "trickle":
                continue
            if spec.action in ("hold", "delay"):
                await fault.hold(spec.seconds if spec.action == "delay" else None)
                if fault.discarded:
                    raise _Dropped
            elif spec.action == "drop":
                raise _Dropped
            else:
                return injected_answer(spec, self._default_body)
        return None


async def _trickled(request: web.Request, answer: web.Response, fault: Fault) -> web.StreamResponse:
    """Sends the headers at once, then single spaces, which JSON ignores, and the body when the fault ends."""
    sent = web.StreamResponse(status=answer.status, headers=answer.headers)
    sent.headers.popall("Content-Length", None)
    sent.enable_chunked_encoding()
    try:
        await sent.prepare(request)
        await fault.trickle(lambda: sent.write(b" "))
        if not fault.discarded:
            await sent.write(answer.body if isinstance(answer.body, bytes) else b"")
            await sent.write_eof()
    except ConnectionError:  # the client has left
        raise _Dropped from None
    if fault.discarded:
        raise _Dropped
    return sent


def injected_answer(spec: FaultSpec, default_body: Body) -> web.Response:
    """The answer of a fault whose action is ``answer``."""
    headers = dict(spec.headers)
    if spec.retry_after is not None:
        headers["Retry-After"] = (
            str(spec.retry_after)
            if spec.retry_after_form == "seconds"
            else format_datetime(datetime.now(UTC) + timedelta(seconds=spec.retry_after), usegmt=True)
        )
    status, text = spec.status, spec.text or f"Injected answer with status {spec.status}."
    match spec.body or default_body:
        case "envelope-a":
            code = "UserError" if status < 500 else "SystemError"
            return errors.frontend_error(status, code, text, headers=headers)
        case "envelope-b":
            return errors.service_error(status, "ServiceError", text, headers)
        case "arm":
            return errors.arm_error(status, "InjectedError", text, headers)
        case "entra":
            return errors.entra_error(status, "temporarily_unavailable", 90033, text, headers)
        case "identity":
            return errors.json_answer(status, {"statusCode": status, "message": text}, headers)
        case "text":
            return errors.text_answer(status, text, headers)
        case "malformed":
            return web.Response(
                status=status,
                text=spec.text or '{"id": "/subscr',
                content_type="application/json",
                headers=headers,
            )
        case "empty":
            return web.Response(status=status, headers=headers)
