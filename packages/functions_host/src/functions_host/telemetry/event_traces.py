"""The trace contexts in history events, in the form in which the extension writes them."""

from dataclasses import replace
from typing import Any

from functions_host.durable.events import offset_time
from functions_host.telemetry.trace_context import OpenSpan, TraceContext


def scheduling_trace(span: TraceContext) -> dict[str, Any]:
    """For an event that schedules work: ``span`` is the span that waits for that work."""
    return _trace(span.traceparent, span.state)


def execution_trace(span: OpenSpan) -> dict[str, Any]:
    """For ExecutionStarted: ``span`` is the orchestration's own; its parent is the span of the starter.

    ``ActivityStartTime`` is None until the first episode.
    """
    own = span.context
    parent = replace(own, span_id=span.parent_id).traceparent if span.parent_id else None
    started_at = offset_time(span.started_at) if span.started_at else None
    return _trace(parent, own.state, Id=own.traceparent, SpanId=own.span_id, ActivityStartTime=started_at)


def _trace(parent: str | None, state: str, **own: str | None) -> dict[str, Any]:
    return {
        "TraceParent": parent,
        "TraceState": state or None,
        "Id": None,
        "SpanId": None,
        "ActivityStartTime": None,
        **own,
    }
