"""A collector for tests: receives spans over OTLP/HTTP (protobuf) and keeps them."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

T = TypeVar("T")


@dataclass(frozen=True)
class ReceivedSpan:
    """Ids in hex, ``parent_id`` empty for a root; ``start`` and ``end`` in nanoseconds; ``error`` if it failed."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: Mapping[str, Any]
    error: str | None

    @property
    def instance_id(self) -> str:
        return str(self.attributes.get("durabletask.task.instance_id", ""))


class OtlpReceiver:
    """Runs inside its ``with`` block; ``url`` is a value for OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self) -> None:
        self._spans: list[ReceivedSpan] = []
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.url = ""

    @property
    def settings(self) -> dict[str, str]:
        """Settings with which a host exports to this collector, with a short delay."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}

    @property
    def spans(self) -> Sequence[ReceivedSpan]:
        return list(self._spans)

    def wait_for(
        self, what: str, look: Callable[[Sequence[ReceivedSpan]], T | None], limit: float = 20.0
    ) -> T:
        """Calls ``look`` with the received spans until its answer is true, and returns the answer."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if found := look(self.spans):
                return found
            time.sleep(0.02)
        raise AssertionError(f"{what}: not within {limit:.0f} s, but {[span.name for span in self.spans]}")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application()
        application.router.add_post("/v1/traces", self._take)
        runner = web.AppRunner(application, access_log=None)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        message = ExportTraceServiceRequest.FromString(await request.read())
        for resource in message.resource_spans:
            service = _attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self._spans.extend(_received(service, span) for span in scope.spans)
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")


def _received(service: str, span: Span) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        error=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
