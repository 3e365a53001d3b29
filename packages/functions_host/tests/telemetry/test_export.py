"""Traces of a real host: what begins one, what continues one, and when spans are exported."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.otlp_receiver import OtlpReceiver, ReceivedSpan

StartHost = Callable[..., Any]

MODE = {"AzureFunctionsJobHost__telemetryMode": "OpenTelemetry"}
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def http(start_host: StartHost, receiver: OtlpReceiver) -> Any:
    return start_host("http", **MODE, **receiver.settings)


@pytest.fixture(scope="module")
def features(start_host: StartHost, receiver: OtlpReceiver) -> Any:
    return start_host("features", **MODE, **receiver.settings)


@pytest.fixture(scope="module")
def events(start_host: StartHost, receiver: OtlpReceiver, tmp_path_factory: pytest.TempPathFactory) -> Any:
    seen = str(tmp_path_factory.mktemp("events") / "seen")
    return start_host("events", **MODE, **receiver.settings, TICKS="* * * * * *", SEEN=seen)


def span_of(receiver: OtlpReceiver, context: TraceContext) -> ReceivedSpan:
    def look(spans: Any) -> ReceivedSpan | None:
        return next((span for span in spans if span.span_id == context.span_id), None)

    return receiver.wait_for("the span", look)


def seen_by_function(host: Any, **options: Any) -> tuple[TraceContext, str]:
    seen = host.call("GET", "/svc/v1/context", **options).json()
    context = TraceContext.parse(seen["traceparent"])
    assert context is not None
    return context, seen["tracestate"]


def test_a_request_continues_the_trace_of_its_caller(http: Any, receiver: OtlpReceiver) -> None:
    context, state = seen_by_function(http, headers=HEADERS, params={"code": "a-key"})
    span = span_of(receiver, context)

    assert (context.trace_id, state) == (TRACE, "vendor=1")
    assert (span.trace_id, span.parent_id) == (TRACE, CALLER)
    assert (span.name, span.kind) == ("GET svc/v1/context", "SERVER")
    assert span.attributes == {
        "faas.trigger": "http",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "svc/v1/context",
    }
    assert 0 < span.start <= span.end <= time.time_ns()


def test_without_a_trace_a_request_begins_one(http: Any, receiver: OtlpReceiver) -> None:
    one, other = (seen_by_function(http)[0] for _ in range(2))

    assert one.trace_id != other.trace_id
    assert span_of(receiver, one).parent_id == ""


def test_a_trace_that_is_not_sampled_is_passed_on_and_not_exported(http: Any, receiver: OtlpReceiver) -> None:
    unsampled, _ = seen_by_function(http, headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
    assert (unsampled.trace_id, unsampled.sampled) == (TRACE, False)

    span_of(receiver, seen_by_function(http)[0])
    assert not [span for span in receiver.spans if span.span_id == unsampled.span_id]


def test_a_function_that_breaks_is_an_error(http: Any, receiver: OtlpReceiver) -> None:
    http.call("GET", "/svc/v1/broken", headers=HEADERS)

    span = receiver.wait_for(
        "the span", lambda spans: next((s for s in spans if s.name.endswith("broken")), None)
    )
    assert span.error == "HTTP 500"
    assert "must not see" not in str(span)


def test_a_start_over_the_management_api_continues_the_trace_of_its_caller(
    features: Any, receiver: OtlpReceiver
) -> None:
    features.durable("POST", "orchestrators/chain/traced", headers=HEADERS, json=json.dumps(["Ada"]))
    features.ended("traced")
    spans = receiver.wait_for(
        "its end", lambda spans: (of := [s for s in spans if s.instance_id == "traced"]) and of[3:] and of
    )

    assert {span.trace_id for span in spans} == {TRACE}
    assert [span.parent_id for span in spans if span.kind == "PRODUCER"] == [CALLER]
    assert "Ada" not in str(spans)
    assert {span.service for span in spans} == {"FeaturesHub"}


def test_a_signal_over_the_management_api_continues_the_trace_of_its_caller(
    features: Any, receiver: OtlpReceiver
) -> None:
    features.durable("POST", "entities/Counter/traced?op=add", headers=HEADERS, json="3")

    span = receiver.wait_for(
        "the processing",
        lambda spans: next((s for s in spans if s.instance_id == "@counter@traced"), None),
    )
    assert (span.trace_id, span.kind, span.name) == (TRACE, "CONSUMER", "entity:counter:add")


def test_the_history_has_the_trace_and_the_status_does_not(features: Any) -> None:
    features.durable("POST", "orchestrators/chain/shown", headers=HEADERS)
    features.ended("shown")
    shown = features.status("shown", "?showHistory=true&showHistoryOutput=true")
    started, *_ = shown.pop("historyEvents")

    assert TRACE in started["ParentTraceContext"]["TraceParent"]
    assert TRACE not in json.dumps(shown)


def test_each_event_begins_a_trace(events: Any, receiver: OtlpReceiver) -> None:
    delivered = [
        {
            "id": f"traced-{number}",
            "eventType": "t",
            "subject": "s",
            "eventTime": "2026-01-01T00:00:00Z",
            "dataVersion": "1",
            "topic": "/t",
            "data": {"failures": number},
        }
        for number in range(2)
    ]
    events.call(
        "POST",
        "/runtime/webhooks/eventgrid?functionName=refuse",
        json=delivered,
        headers={"aeg-event-type": "Notification", **HEADERS},
    )

    one, other = receiver.wait_for(
        "both events", lambda spans: (of := [s for s in spans if s.name == "refuse"])[1:] and of
    )
    assert len({one.trace_id, other.trace_id, TRACE}) == 3
    assert {one.parent_id, other.parent_id} == {""}
    assert {one.error, other.error} == {None, "RuntimeError"}
    assert (one.kind, one.attributes) == ("CONSUMER", {"faas.trigger": "pubsub"})


def test_each_tick_of_a_timer_begins_a_trace(events: Any, receiver: OtlpReceiver) -> None:
    ticks = receiver.wait_for(
        "two ticks", lambda spans: (of := [s for s in spans if s.name == "ticking"])[1:] and of
    )

    assert len({span.trace_id for span in ticks}) == len(ticks)
    assert {span.parent_id for span in ticks} == {""}
    assert {span.attributes["faas.trigger"] for span in ticks} == {"timer"}


@pytest.mark.parametrize("missing", ["mode", "endpoint"])
def test_nothing_is_exported_unless_mode_and_endpoint_say_so(start_host: StartHost, missing: str) -> None:
    with OtlpReceiver() as idle:
        environment = {**MODE, **idle.settings}
        environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT" if missing == "endpoint" else next(iter(MODE)))
        host = start_host("http", **environment)
        context, _ = seen_by_function(host, headers=HEADERS)
        host.stop()

        assert context.trace_id == TRACE
        assert idle.spans == []


def test_another_protocol_is_refused_in_the_log(start_host: StartHost, receiver: OtlpReceiver) -> None:
    host = start_host("http", **MODE, **receiver.settings, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    context, _ = seen_by_function(host)
    host.stop()

    assert "OTEL_EXPORTER_OTLP_PROTOCOL is grpc: no trace is exported" in host.log()
    assert not [span for span in receiver.spans if span.span_id == context.span_id]


def test_what_is_left_is_exported_at_the_stop_under_the_name_that_is_set(
    start_host: StartHost, receiver: OtlpReceiver
) -> None:
    patient = {**receiver.settings, "OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_SERVICE_NAME": "mine"}
    host = start_host("http", **MODE, **patient)
    context, _ = seen_by_function(host)
    assert host.stop() == 0

    assert span_of(receiver, context).service == "mine"


def test_a_collector_that_is_away_costs_no_more_than_a_line_in_the_log(
    start_host: StartHost, tmp_path: Path
) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    host = start_host("features", store=tmp_path / "hub.db", **MODE, **away)
    assert host.run("chain")["runtimeStatus"] == "Completed"
    began = time.monotonic()

    assert host.stop() == 0
    assert time.monotonic() - began < 8
    assert "Traceback" not in host.log()
