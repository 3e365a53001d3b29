"""Converts the host's spans to OpenTelemetry spans. The OpenTelemetry SDK exports them in batches, on a thread."""

import threading
from datetime import UTC, datetime, timedelta

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.span import TraceState

from functions_host.durable.events import parse_time
from functions_host.telemetry.spans import Span
from functions_host.telemetry.trace_context import TraceContext

_LAST_EXPORT_SECONDS = 3.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _GivenIds(IdGenerator):
    """Gives the SDK the ids of the host's span: the host made them, and passed them on, before the span ended."""

    def __init__(self) -> None:
        self.context = TraceContext("", "")

    def generate_span_id(self) -> int:
        return int(self.context.span_id, 16)

    def generate_trace_id(self) -> int:
        return int(self.context.trace_id, 16)


class OtlpSpans:
    """A ``SpanSink``. The SDK reads address, headers and intervals from the ``OTEL_…`` variables."""

    def __init__(self, service_name: str) -> None:
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            # The start of a trace decides whether the trace is sampled.
            sampler=ParentBased(ALWAYS_ON),
            # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override the name.
            resource=Resource.create({SERVICE_NAME: service_name}).merge(OTELResourceDetector().detect()),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("DurableTask")

    def emit(self, span: Span) -> None:
        """Must always be called from the same thread."""
        self._ids.context = span.context
        exported = self._tracer.start_span(
            span.name,
            context=_parent(span),
            kind=SpanKind[span.kind],
            attributes=span.attributes,
            start_time=_nanoseconds(span.started_at),
        )
        if span.error is not None:
            exported.set_status(Status(StatusCode.ERROR, span.error))
        exported.end(_nanoseconds(span.ended_at))

    def close(self) -> None:
        """Exports the remaining spans, within ``_LAST_EXPORT_SECONDS``."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(_LAST_EXPORT_SECONDS)


def _parent(span: Span) -> Context:
    if not span.parent_id:
        return Context()
    parent = SpanContext(
        trace_id=int(span.context.trace_id, 16),
        span_id=int(span.parent_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if span.context.sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([span.context.state]),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _nanoseconds(time: str) -> int:
    return (parse_time(time) - _EPOCH) // timedelta(microseconds=1) * 1_000
