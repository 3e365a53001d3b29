"""Keeps a run in the trace of the request that started it."""

from collections.abc import Iterator
from contextlib import contextmanager

import azure.functions as func
from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


@contextmanager
def trace_of(context: func.Context) -> Iterator[None]:
    """Makes the invocation's trace the current one, as the worker does only where it exports telemetry itself.

    durable-functions behaviour: ``start_new`` hands the current W3C trace context to the extension, whose spans
    for the orchestration and its activities then belong to that trace.
    """
    trace = context.trace_context
    token = attach(
        _propagator.extract({"traceparent": trace.trace_parent or "", "tracestate": trace.trace_state or ""})
    )
    try:
        yield
    finally:
        detach(token)
