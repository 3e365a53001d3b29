"""Invocations that begin outside the durable engine. Each has its own span.

As in production, a request to an HTTP trigger continues the trace of its caller; every event and every run of a
timer begins a new trace. A request to the management API has no span: it never leaves the host.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from functions_host.durable.events import format_time
from functions_host.durable.language_worker import InvocationError
from functions_host.telemetry.spans import Span, SpanKind, SpanSink
from functions_host.telemetry.trace_context import OpenSpan, TraceContext
from functions_host.worker import protos
from functions_host.worker.functions import FunctionDefinition

Invoke = Callable[[FunctionDefinition, protos.TypedData], Awaitable[Any]]
InvokeIn = Callable[[FunctionDefinition, protos.TypedData, TraceContext], Awaitable[Any]]

_FIRST_SERVER_ERROR = 500
_EVENTS = {"timerTrigger": ("timer", SpanKind.SERVER), "eventGridTrigger": ("pubsub", SpanKind.CONSUMER)}


def trace_of(headers: Mapping[str, str]) -> TraceContext | None:
    """The caller's span, from the headers ``traceparent`` and ``tracestate``."""
    return TraceContext.parse(headers.get("traceparent"), headers.get("tracestate"))


class Invocations:
    """``invoke`` runs a function in a span; ``spans`` is None if the host exports no spans."""

    def __init__(self, invoke: InvokeIn, spans: SpanSink | None) -> None:
        self.invoke = invoke
        self._spans = spans

    async def invoke_for_request(
        self,
        request: web.Request,
        route: str,
        answer: Callable[[TraceContext], Awaitable[web.Response]],
    ) -> web.Response:
        """``route`` is the template: path and query are not exported, because they may hold private data."""
        span = OpenSpan.below(trace_of(request.headers), _now())
        response = await answer(span.context)
        if self._spans is not None:
            attributes: dict[str, str | int] = {
                "faas.trigger": "http",
                "http.request.method": request.method,
                "http.response.status_code": response.status,
                "http.route": route,
            }
            error = f"HTTP {response.status}" if response.status >= _FIRST_SERVER_ERROR else None
            name = f"{request.method} {route}"
            self._spans.emit(Span.of(span, name, SpanKind.SERVER, _now(), attributes, error))
        return response

    async def invoke_for_event(self, function: FunctionDefinition, trigger_data: protos.TypedData) -> Any:
        """Raises InvocationError."""
        span = OpenSpan.below(None, _now())
        try:
            result = await self.invoke(function, trigger_data, span.context)
        except InvocationError as error:
            # Only the type of the error is exported: its text may quote the event.
            self._end_event(span, function, error.message.partition(":")[0])
            raise
        self._end_event(span, function, None)
        return result

    def _end_event(self, span: OpenSpan, function: FunctionDefinition, error: str | None) -> None:
        if self._spans is not None:
            trigger, kind = _EVENTS[function.trigger_type]
            self._spans.emit(Span.of(span, function.name, kind, _now(), {"faas.trigger": trigger}, error))


def _now() -> str:
    return format_time(datetime.now(UTC))
