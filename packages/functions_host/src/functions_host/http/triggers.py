"""Serves the HTTP triggers of an app.

Differences from the production host, on purpose: ``authLevel`` is not enforced (as with the Core Tools), and
of several routes that match, the most specific one wins instead of the one that was registered first.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

from aiohttp import web

from functions_host.durable.language_worker import InvocationError
from functions_host.http.route_templates import RouteTemplate, parse_route
from functions_host.telemetry.trace_context import TraceContext
from functions_host.worker import protos
from functions_host.worker.functions import FunctionDefinition
from functions_host.worker.invocations import Invocations

log = logging.getLogger(__name__)

# The server sets these itself; values from the app could contradict what is sent.
_FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """``methods`` is empty when the function takes every method."""

    function: FunctionDefinition
    template: RouteTemplate
    methods: frozenset[str]

    def accepts(self, method: str) -> bool:
        # As in production, a function that takes GET also takes HEAD.
        return not self.methods or method in self.methods or (method == "HEAD" and "GET" in self.methods)


def http_routes(functions: Iterable[FunctionDefinition], prefix: str) -> Sequence[HttpRoute]:
    """The app's HTTP routes below ``prefix``, most specific first. Raises RouteTemplateError."""
    routes = []
    for function in functions:
        if function.trigger_type == "httpTrigger":
            path = f"{prefix}/{str(function.trigger['route']).strip('/')}"
            methods = frozenset(str(method).upper() for method in function.trigger.get("methods") or ())
            routes.append(HttpRoute(function, parse_route(path), methods))
    return sorted(routes, key=lambda route: route.template.precedence)


class HttpTriggers:
    """Answers 404 when no route matches, also for a wrong method, as the production host does."""

    def __init__(self, routes: Sequence[HttpRoute], invocations: Invocations) -> None:
        self._routes = routes
        self._invocations = invocations

    async def handle(self, request: web.Request) -> web.Response:
        for route in self._routes:
            if route.accepts(request.method):
                values = route.template.match(request.path)
                if values is not None:
                    return await self._invocations.invoke_for_request(
                        request, route.template.text, partial(self._run, route.function, request, values)
                    )
        return web.Response(status=404)

    async def _run(
        self,
        function: FunctionDefinition,
        request: web.Request,
        route_values: dict[str, str],
        trace: TraceContext,
    ) -> web.Response:
        trigger = protos.TypedData(http=await _rpc_request(request, route_values))
        try:
            return _web_response(await self._invocations.invoke(function, trigger, trace))
        except InvocationError as error:
            # As in production the answer has no reason; the log has it.
            log.error("%s failed: %s", function.name, error.stack or error.message)
            return web.Response(status=500)


async def _rpc_request(request: web.Request, route_values: dict[str, str]) -> protos.RpcHttp:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    query: dict[str, str] = {}
    for name, value in request.query.items():
        if value:
            query[name] = f"{query[name]},{value}" if name in query else value
    return protos.RpcHttp(
        method=request.method,
        url=f"{request.scheme}://{request.host}{request.raw_path}",
        headers=headers,
        query=query,
        params=route_values,
        body=protos.TypedData(bytes=await request.read()),
    )


def _web_response(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if result.WhichOneof("data") == "string":
        return web.Response(text=result.string)
    http = result.http
    response = web.Response(
        status=int(http.status_code),
        headers={k: v for k, v in http.headers.items() if k.lower() not in _FRAMING_HEADERS},
        body=result.http.body.bytes,
    )
    for cookie in http.cookies or ():
        response.headers.add("Set-Cookie", _set_cookie(cookie))
    return response


def _set_cookie(cookie: Any) -> str:
    jar: SimpleCookie = SimpleCookie()
    jar[cookie.name] = cookie.value
    morsel = jar[cookie.name]
    for attribute, field in (("domain", cookie.domain), ("path", cookie.path), ("max-age", cookie.max_age)):
        if field is not None and field.value not in ("", None):
            morsel[attribute] = int(field.value) if attribute == "max-age" else field.value
    if cookie.expires is not None:
        morsel["expires"] = formatdate(cookie.expires.value.seconds, usegmt=True)
    morsel["secure"] = bool(cookie.secure and cookie.secure.value)
    morsel["httponly"] = bool(cookie.http_only and cookie.http_only.value)
    if cookie.same_site:
        morsel["samesite"] = cookie.same_site
    return morsel.OutputString()
