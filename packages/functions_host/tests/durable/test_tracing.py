"""Spans of durable work: parents and children, what a restart keeps, and the spans of the worker's functions."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from azure.durable_functions import EntityId

from functions_host.durable.events import EventType
from functions_host.telemetry.spans import Span, SpanKind
from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output

CALLER = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", state="vendor=1")


class Recorder:
    """Keeps the spans that the engine ends."""

    def __init__(self) -> None:
        self.all: list[Span] = []

    def emit(self, span: Span) -> None:
        self.all.append(span)

    def named(self, name: str, kind: SpanKind | None = None) -> list[Span]:
        return [span for span in self.all if span.name == name and kind in (None, span.kind)]

    def only(self, name: str, kind: SpanKind | None = None) -> Span:
        [span] = self.named(name, kind)
        return span

    def trace_ids(self) -> set[str]:
        return {span.context.trace_id for span in self.all}


@pytest.fixture
def spans(host: Host) -> Recorder:
    host.spans = recorder = Recorder()
    return recorder


def below(parent: Span, child: Span) -> bool:
    same_trace = child.context.trace_id == parent.context.trace_id
    return same_trace and child.parent_id == parent.context.span_id


def with_an_activity(host: Host) -> None:
    @host.worker.activity
    def act(value):
        if value == "fail":
            raise ValueError("first line\nsecond line")
        return value

    @host.worker.orchestrator
    def orch(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=5))
        return (yield context.call_activity("act", context.get_input()))


async def test_a_start_continues_the_trace_of_its_caller(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    state = await host.run("orch", "secret input", trace=CALLER)

    created = spans.only("create_orchestration:orch@1.0", SpanKind.PRODUCER)
    ran = spans.only("orchestration:orch@(1.0)", SpanKind.SERVER)
    timer = spans.only("orchestration:orch:timer", SpanKind.INTERNAL)
    scheduled = spans.only("activity:act", SpanKind.CLIENT)
    worked = spans.only("activity:act", SpanKind.SERVER)
    assert (created.context.trace_id, created.parent_id) == (CALLER.trace_id, CALLER.span_id)
    assert below(created, ran)
    assert below(ran, timer)
    assert below(ran, scheduled)
    assert below(scheduled, worked)
    assert len(spans.all) == 5
    assert {span.context.state for span in spans.all} == {"vendor=1"}
    assert ran.attributes == {
        "durabletask.type": "orchestration",
        "durabletask.task.name": "orch",
        "durabletask.task.instance_id": state.instance_id,
        "durabletask.task.version": "1.0",
        "durabletask.task.status": "Completed",
    }
    assert timer.attributes["durabletask.task.task_id"] == 0
    assert timer.attributes["durabletask.fire_at"] == "2026-01-01T00:05:00.0000000Z"
    assert scheduled.attributes == worked.attributes
    assert scheduled.attributes["durabletask.task.task_id"] == 1
    assert "secret input" not in str(spans.all)


async def test_times_are_those_of_the_work(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    await host.run("orch")

    ran, timer = spans.only("orchestration:orch@(1.0)"), spans.only("orchestration:orch:timer")
    scheduled = spans.only("activity:act", SpanKind.CLIENT)
    assert (ran.started_at, ran.ended_at) == (timer.started_at, timer.ended_at)
    assert timer.ended_at > timer.started_at
    assert scheduled.started_at == timer.ended_at


async def test_without_a_caller_each_start_begins_a_trace(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    await host.run("orch")
    await host.run("orch")

    one, other = spans.named("create_orchestration:orch@1.0")
    assert one.parent_id == other.parent_id == ""
    assert one.context.trace_id != other.context.trace_id
    assert spans.trace_ids() == {one.context.trace_id, other.context.trace_id}


async def test_the_worker_runs_in_the_spans_of_its_work(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    await host.run("orch", trace=CALLER)

    ran, worked = spans.only("orchestration:orch@(1.0)"), spans.only("activity:act", SpanKind.SERVER)
    assert host.worker.traces == [
        ("orch", ran.context),
        ("orch", ran.context),
        ("act", worked.context),
        ("orch", ran.context),
    ]


async def test_continue_as_new_keeps_trace_and_span(host: Host, spans: Recorder) -> None:
    @host.worker.orchestrator
    def orch(context):
        count = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        if count < 3:
            context.continue_as_new(count + 1)

    await host.run("orch", 0, trace=CALLER)

    ran = spans.only("orchestration:orch@(1.0)")
    assert (
        len(
            {
                context["history"][1]["OrchestrationInstance"]["ExecutionId"]
                for context in host.worker.contexts
            }
        )
        == 4
    )
    assert [below(ran, timer) for timer in spans.named("orchestration:orch:timer")] == [True] * 4
    assert ran.started_at == "2026-01-01T00:00:00.0000000Z"
    assert ran.ended_at == "2026-01-01T00:04:00.0000000Z"
    assert spans.trace_ids() == {CALLER.trace_id}
    assert {trace for _, trace in host.worker.traces} == {ran.context}


async def test_the_context_survives_the_process(host: Host, spans: Recorder) -> None:
    @host.worker.activity
    async def act(_):
        if len(host.worker.traces) < 3:
            await host.until(lambda: False)

    @host.worker.orchestrator
    def orch(context):
        yield context.call_activity("act")

    instance_id = await host.start("orch", trace=CALLER)
    await host.until(lambda: len(host.worker.traces) == 2)
    await host.stop()
    await host.ended(instance_id)

    (_, first_orch), (_, lost), (_, again), (_, last_orch) = host.worker.traces
    ran, scheduled = spans.only("orchestration:orch@(1.0)"), spans.only("activity:act", SpanKind.CLIENT)
    worked = spans.only("activity:act", SpanKind.SERVER)
    assert first_orch == last_orch == ran.context
    assert below(ran, scheduled)
    assert below(scheduled, worked)
    assert (worked.context, lost.trace_id) == (again, CALLER.trace_id)


async def test_a_failure_has_a_reason_of_one_line(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    await host.run("orch", "fail")

    failed = [*spans.named("activity:act"), *spans.named("orchestration:orch@(1.0)")]
    assert len(failed) == 3
    assert [span.error is not None and "\n" not in span.error for span in failed] == [True] * 3
    assert failed[-1].attributes["durabletask.task.status"] == "Failed"


async def test_a_terminated_instance_is_not_an_error(host: Host, spans: Recorder) -> None:
    @host.worker.orchestrator
    def orch(context):
        yield context.wait_for_external_event("never")

    instance_id = await host.start("orch")
    await host.until_idle()
    await host.hub.terminate(instance_id, "enough")
    await host.ended(instance_id)

    ran = spans.only("orchestration:orch@(1.0)")
    assert (ran.error, ran.attributes["durabletask.task.status"]) == (None, "Terminated")


async def test_the_span_of_a_child_is_below_the_wait_of_its_parent(host: Host, spans: Recorder) -> None:
    @host.worker.orchestrator
    def child(context):
        count = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        if count == 9:
            raise ValueError("nine")
        if count:
            context.continue_as_new(count - 1)

    @host.worker.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", 2, "kid")
        try:
            yield context.call_sub_orchestrator("child", 9, "bad")
        except Exception as error:
            return str(error)

    await host.run("parent", trace=CALLER)

    saw = spans.named("orchestration:child@(1.0)", SpanKind.CLIENT)
    ran = spans.named("orchestration:child@(1.0)", SpanKind.SERVER)
    root = spans.only("orchestration:parent@(1.0)")
    assert [below(root, span) for span in saw] == [True] * 2
    assert [below(*pair) for pair in zip(saw, ran, strict=True)] == [True] * 2
    assert [span.error is None for span in (*saw, *ran)] == [True, False] * 2
    assert (saw[0].started_at, saw[0].ended_at) == (ran[0].started_at, ran[0].ended_at)
    assert [span.attributes["durabletask.task.instance_id"] for span in ran] == ["kid", "bad"]
    assert not spans.named("create_orchestration:child@1.0")
    assert spans.trace_ids() == {CALLER.trace_id}


def with_a_counter(host: Host) -> None:
    @host.worker.entity
    def counter(context):
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_state())


async def test_calls_and_signals_of_an_orchestration(host: Host, spans: Recorder) -> None:
    with_a_counter(host)

    @host.worker.orchestrator
    def orch(context):
        context.signal_entity(EntityId("counter", "k"), "add", 1)
        return (yield context.call_entity(EntityId("counter", "k"), "add", 2))

    assert output(await host.run("orch", trace=CALLER)) == 3
    await host.until_idle()

    root = spans.only("orchestration:orch@(1.0)")
    for sent, handled, asked in (
        (SpanKind.PRODUCER, SpanKind.CONSUMER, "signal_entity"),
        (SpanKind.CLIENT, SpanKind.SERVER, "call_entity"),
    ):
        sender, receiver = spans.only("entity:counter:add", sent), spans.only("entity:counter:add", handled)
        assert below(root, sender)
        assert below(sender, receiver)
        assert sender.attributes["durabletask.event.target_instance_id"] == "@counter@k"
        assert receiver.attributes["durabletask.task.instance_id"] == "@counter@k"
        assert sender.attributes["durabletask.task.operation"] == asked


async def test_a_clients_signal_has_spans_only_in_a_trace(host: Host, spans: Recorder) -> None:
    with_a_counter(host)
    await host.hub.signal_entity("counter", "k", "add", '"1"')
    await host.until_idle()
    assert spans.all == []

    await host.hub.signal_entity("counter", "k", "add", '"1"', CALLER)
    await host.until_idle()

    sender, receiver = spans.all
    assert (sender.kind, sender.parent_id) == (SpanKind.PRODUCER, CALLER.span_id)
    assert below(sender, receiver)
    (_, untraced), (_, traced) = host.worker.traces
    assert traced == receiver.context
    assert untraced.trace_id != CALLER.trace_id


async def test_a_failed_operation_is_an_error_without_its_text(host: Host, spans: Recorder) -> None:
    with_a_counter(host)
    await host.hub.signal_entity("counter", "k", "add", '"not a number"', CALLER)
    await host.until_idle()

    assert spans.only("entity:counter:add", SpanKind.CONSUMER).error == "The operation failed."


async def test_a_call_of_an_entity_records_the_span_of_its_caller_and_a_signal_a_new_one(
    host: Host,
) -> None:
    @host.worker.entity
    def counter(context):
        context.set_result(1)

    @host.worker.orchestrator
    def orch(context):
        context.signal_entity(EntityId("counter", "k"), "add")
        return (yield context.call_entity(EntityId("counter", "k"), "add"))

    state = await host.run("orch", trace=CALLER)
    history = await host.hub.history(state.instance_id)
    own = next(
        e["ParentTraceContext"]["Id"] for e in history if e["EventType"] == EventType.EXECUTION_STARTED
    )
    signal, call = (
        json.loads(event["Input"])["parentTraceContext"]["TraceParent"]
        for event in history
        if event["EventType"] == EventType.EVENT_SENT
    )

    assert call == own
    assert signal != own
    assert TraceContext.parse(signal).trace_id == TraceContext.parse(own).trace_id


async def test_without_a_sink_the_worker_still_gets_its_context(host: Host) -> None:
    with_an_activity(host)
    await host.run("orch", trace=CALLER)

    assert {trace.trace_id for _, trace in host.worker.traces} == {CALLER.trace_id}


async def test_the_history_has_the_spans_that_scheduled_the_work(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    state = await host.run("orch", trace=CALLER)

    history = await host.hub.history(state.instance_id)
    started, scheduled = [event["ParentTraceContext"] for event in history if "ParentTraceContext" in event]
    own = spans.only("orchestration:orch@(1.0)")
    assert started == {
        "TraceParent": spans.only("create_orchestration:orch@1.0").context.traceparent,
        "TraceState": CALLER.state,
        "Id": own.context.traceparent,
        "SpanId": own.context.span_id,
        "ActivityStartTime": "2026-01-01T00:00:00+00:00",
    }
    assert scheduled == {
        "TraceParent": spans.only("activity:act", SpanKind.CLIENT).context.traceparent,
        "TraceState": CALLER.state,
        "Id": None,
        "SpanId": None,
        "ActivityStartTime": None,
    }


async def test_work_of_an_older_version_continues_and_gets_a_trace(host: Host, spans: Recorder) -> None:
    with_an_activity(host)
    instance_id = await host.start("orch", "old")
    with host.frozen():
        await host.until(lambda: host.worker.traces)
        await host.stop()
    _downgrade(host.path)
    spans.all.clear()

    assert output(await host.ended(instance_id)) == "old"
    ran = spans.only("orchestration:orch@(1.0)")
    assert ran.parent_id == ""
    assert below(ran, spans.only("activity:act", SpanKind.CLIENT))
    assert host.worker.traces[-1] == ("orch", ran.context)


def _downgrade(path: Path) -> None:
    """Turns the file into one of format 1."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP INDEX timers_by_visibility")
    connection.execute("DROP INDEX instances_unwritten")
    for table, column in (
        ("instances", "span"),
        ("activities", "span"),
        ("operations", "span"),
        ("timers", "created_at"),
        ("instances", "unwritten"),
        ("inbox", "taken_until"),
        ("inbox", "hidden_until"),
        ("operations", "taken_until"),
        ("operations", "hidden_until"),
        ("timers", "visible_at"),
    ):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.execute("PRAGMA user_version=1")
    connection.close()
