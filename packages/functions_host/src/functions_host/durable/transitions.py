"""Every change of the task hub's state. Each must run inside one transaction of the store."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import ParamSpec

from functions_host.durable.decisions import (
    CreateTimer,
    Decision,
    EntityId,
    ScheduleActivity,
    SendToEntity,
    StartSubOrchestration,
)
from functions_host.durable.entity_batch import BatchOutcome
from functions_host.durable.episode import Completed, ContinuedAsNew, EpisodeOutcome, Failed, Terminated
from functions_host.durable.events import (
    COMPLETED,
    FAILED,
    TERMINATED,
    EventType,
    HistoryEvent,
    as_played,
    compact_json,
    event_raised,
    format_time,
    history_event,
    join_events,
    parse_time,
)
from functions_host.durable.states import EntityState, InstanceState, RuntimeStatus
from functions_host.durable.store.entity_tables import Caller, Operation
from functions_host.durable.store.instance_tables import Instance, Parent
from functions_host.durable.store.store import Store
from functions_host.durable.store.work_tables import QueuedActivity, visible_from
from functions_host.telemetry import spans
from functions_host.telemetry.event_traces import execution_trace
from functions_host.telemetry.spans import Span
from functions_host.telemetry.trace_context import OpenSpan, TraceContext

P = ParamSpec("P")


@dataclass(slots=True)
class Transaction:
    """The store, the time of the change, and the work that starts after the commit.

    ``activities_left`` do not run in this host any more. ``rewritten`` are instances whose stored history something
    other than an episode changes; that includes the ending that a killed host did not write.
    After a kill of this host the messages that the change sends stay hidden until ``taken_until``.
    ``killed_before_row``: the host is killed after it has written the history of the episode (see KillPoint).
    ``spans`` are exported after the commit; None if the host exports no spans.
    """

    store: Store
    now: str
    taken_until: str
    instances: list[str] = field(default_factory=list)
    entities: list[EntityId] = field(default_factory=list)
    ended: list[InstanceState] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    activities_queued: int = 0
    activities_left: set[int] = field(default_factory=set)
    timers_changed: bool = False
    killed_before_row: bool = False
    spans: list[Span] | None = None

    def end_span(self, make: Callable[P, Span], *args: P.args, **kwargs: P.kwargs) -> None:
        if self.spans is not None:
            self.spans.append(make(*args, **kwargs))


NewTransaction = Callable[[], AbstractContextManager[Transaction]]
"""Commits at the end of the block, and then starts the work that the change makes due."""


def create_instance(
    tx: Transaction,
    instance_id: str,
    name: str,
    version: str,
    input_json: str | None,
    parent: Parent | None = None,
    trace: TraceContext | None = None,
) -> None:
    """Replaces an instance with the same id. ``trace`` is the caller's span, if there is no ``parent``."""
    if tx.store.instances.find(instance_id) is not None:
        forget_instance(tx, instance_id)
    # The span of the creation; the orchestration's own span begins with its first episode.
    creation = (parent and parent.span) or OpenSpan.below(trace, tx.now)
    instance = Instance(
        instance_id=instance_id,
        execution_id=str(uuid.uuid4()),
        name=name,
        version=version,
        status=RuntimeStatus.PENDING,
        input=input_json,
        output=None,
        custom_status=None,
        created_at=tx.now,
        updated_at=tx.now,
        parent=parent,
        span=OpenSpan.below(creation.context),
    )
    tx.store.instances.put(instance)
    if parent is None:
        tx.end_span(spans.orchestration_created, instance, creation, tx.now)
    send(tx, instance_id, instance.execution_id, _execution_started(instance, tx.now))


def forget_instance(tx: Transaction, instance_id: str) -> None:
    tx.store.instances.delete(instance_id)
    tx.store.work.remove_activities(instance_id)
    remove_timers(tx, instance_id)


def send(tx: Transaction, instance_id: str, execution_id: str | None, event: HistoryEvent) -> None:
    tx.store.instances.send(instance_id, execution_id, event, tx.taken_until)
    tx.instances.append(instance_id)


def remove_timers(tx: Transaction, instance_id: str, timer_ids: Sequence[int] | None = None) -> None:
    if timer_ids is None or timer_ids:
        tx.store.work.remove_timers(instance_id, timer_ids)
        tx.timers_changed = True


def complete_activity(
    tx: Transaction, activity: QueuedActivity, span: OpenSpan, result: HistoryEvent
) -> None:
    """``span`` is the span of the activity's run, a child of the span that scheduled it."""
    if tx.store.work.remove_activity(activity.id):
        error = result.get("Reason")
        tx.end_span(spans.activity_ran, activity, span, tx.now, error)
        tx.end_span(spans.activity_ended, activity, tx.now, error)
        send(tx, activity.instance_id, activity.execution_id, result)


def fire_due_timers(tx: Transaction, limit: int) -> int:
    """Returns how many fired."""
    due = tx.store.work.take_due_timers(tx.now, limit)
    for timer in due:
        # durable-functions behaviour: the event is created together with the timer, so it has the same time.
        fired = history_event(
            EventType.TIMER_FIRED, timer.created_at, TimerId=timer.timer_id, FireAt=timer.fire_at
        )
        send(tx, timer.instance_id, timer.execution_id, fired)
        if tx.spans is not None and (instance := tx.store.instances.find(timer.instance_id)):
            tx.end_span(spans.timer_fired, instance, timer, tx.now)
    tx.timers_changed = True
    return len(due)


def commit_episode(
    tx: Transaction,
    instance: Instance,
    new_events: Sequence[HistoryEvent],
    consumed_up_to: int,
    outcome: EpisodeOutcome,
) -> tuple[Sequence[HistoryEvent], str] | None:
    """Returns the new part of the history, parsed and as text; None if the execution has ended."""
    tables = tx.store.instances
    tables.consume(instance.instance_id, consumed_up_to)
    decided = [_carry_out(tx, instance, decision) for decision in outcome.decisions]
    remove_timers(tx, instance.instance_id, outcome.cancelled_timers)
    after = instance
    if not tx.killed_before_row:
        after = replace(
            instance,
            updated_at=tx.now,
            custom_status=outcome.custom_status or instance.custom_status,
            output=_reason_of_suspension(new_events) or instance.output,
        )
    if isinstance(outcome.ending, ContinuedAsNew):
        _continue_as_new(tx, after, outcome.ending)
        return None
    gained = [*as_played(new_events), *decided]
    if outcome.ending is None:
        if not tx.killed_before_row:
            status = RuntimeStatus.SUSPENDED if outcome.suspended else RuntimeStatus.RUNNING
            tables.set_progress(replace(after, status=status))
    else:
        gained.append(_end(tx, after, outcome.ending, outcome.completion_id))
    gained.append(history_event(EventType.ORCHESTRATOR_COMPLETED, tx.now))
    text = join_events(gained)
    tables.append_history(instance.instance_id, text)
    return (gained, text) if outcome.ending is None else None


def commit_batch(
    tx: Transaction,
    entity: EntityId,
    operations: Sequence[Operation],
    runs: Sequence[OpenSpan | None],
    outcome: BatchOutcome,
) -> None:
    """Answers the callers, stores the state, sends the signals and removes the operations.

    ``runs`` are the spans of the operations; None for one without a trace.
    durable-functions behaviour: an entity that has deleted itself, or whose first operations failed, does not
    exist but stays in the store until it is purged.
    """
    tables = tx.store.entities
    tables.consume(operations)
    for operation, run, answer in zip(operations, runs, outcome.answers, strict=True):
        if run is not None:
            _end_entity_spans(tx, entity, operation, run, answer)
        if operation.caller is not None:
            assert operation.request_id is not None, "every stored operation has one"
            event = event_raised(tx.now, operation.request_id, compact_json(answer))
            send(tx, operation.caller.instance_id, operation.caller.execution_id, event)
    sender = next((run.context for run in runs if run), None)
    for target, signal in outcome.signals:
        signal_entity(tx, target, replace(signal, span=OpenSpan.below(sender, tx.now) if sender else None))
    tables.put(EntityState(entity.name, entity.key, outcome.state, parse_time(tx.now)))


def signal_entity(tx: Transaction, entity: EntityId, operation: Operation) -> None:
    tx.store.entities.enqueue(entity, operation, tx.taken_until)
    tx.entities.append(entity)
    if operation.caller is None and operation.span is not None:
        tx.end_span(spans.entity_asked, entity, operation, operation.span, tx.now)


def _end_entity_spans(
    tx: Transaction, entity: EntityId, operation: Operation, run: OpenSpan, answer: Mapping[str, str]
) -> None:
    # The text of the error is not exported: it is the answer to the caller, and a trace has no answers.
    error = "The operation failed." if "exceptionType" in answer else None
    tx.end_span(spans.entity_ran, entity, operation, run, tx.now, error)
    if operation.caller is not None and operation.span is not None:
        tx.end_span(spans.entity_asked, entity, operation, operation.span, tx.now, error)


def _carry_out(tx: Transaction, instance: Instance, decision: Decision) -> HistoryEvent:
    """Returns the event that records the decision."""
    me, execution = instance.instance_id, instance.execution_id
    match decision:
        case ScheduleActivity():
            span = OpenSpan.below(instance.span.context, tx.now)
            tx.store.work.queue_activity(me, execution, decision.id, decision.name, decision.input, span)
            tx.activities_queued += 1
            return decision.to_event(tx.now, span.context)
        case CreateTimer():
            if not decision.cancelled:
                tx.store.work.add_timer(
                    *(me, execution, decision.id),
                    fire_at=format_time(decision.fire_at),
                    created_at=tx.now,
                    visible_at=format_time(visible_from(decision.fire_at, parse_time(tx.now))),
                )
                tx.timers_changed = True
            return decision.to_event(tx.now)
        case StartSubOrchestration():
            _start_sub_orchestration(tx, instance, decision)
            return decision.to_event(tx.now)
        case SendToEntity():
            caller = None if decision.is_signal else Caller(me, execution)
            span = OpenSpan.below(instance.span.context, tx.now)
            operation = Operation(
                decision.operation, decision.input, caller, span=span, request_id=decision.request_id
            )
            signal_entity(tx, decision.entity, operation)
            # durable-functions behaviour: a call records the caller's own span, a signal records a new span.
            return decision.to_event(tx.now, span.context if decision.is_signal else instance.span.context)


def _start_sub_orchestration(tx: Transaction, parent: Instance, decision: StartSubOrchestration) -> None:
    existing = tx.store.instances.find(decision.instance_id)
    if existing is not None and not existing.status.is_terminal:
        reason = f"An Orchestration instance with the status {existing.status} already exists."
        refused = history_event(
            EventType.SUB_ORCHESTRATION_FAILED,
            tx.now,
            TaskScheduledId=decision.id,
            Reason=reason,
            Details=None,
            FailureDetails=None,
        )
        send(tx, parent.instance_id, parent.execution_id, refused)
        return
    span = OpenSpan.below(parent.span.context, tx.now)
    link = Parent(parent.instance_id, parent.execution_id, parent.name, parent.version, decision.id, span)
    create_instance(tx, decision.instance_id, decision.name, decision.version, decision.input, link)


def _reason_of_suspension(events: Sequence[HistoryEvent]) -> str | None:
    """durable-functions behaviour: the output of an instance is the reason of its last suspend or resume."""
    reasons = [
        event["Reason"]
        for event in events
        if event["EventType"] in (EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED)
    ]
    return compact_json(reasons[-1]) if reasons and reasons[-1] else None


def _continue_as_new(tx: Transaction, instance: Instance, ending: ContinuedAsNew) -> None:
    tables = tx.store.instances
    following = replace(
        instance,
        execution_id=uuid.uuid4().hex,
        status=RuntimeStatus.RUNNING,
        input=ending.input,
        created_at=tx.now,
    )
    tables.delete_history(instance.instance_id)
    tables.put(following)
    # durable-functions behaviour: the first episode of the new execution belongs to the work that ended the old one,
    # and has no other events.
    first_episode = [
        _execution_started(following, tx.now, generation=None),
        *ending.carried_over,
        history_event(EventType.ORCHESTRATOR_COMPLETED, tx.now),
    ]
    tables.send_ahead(instance.instance_id, first_episode, tx.taken_until)
    remove_timers(tx, instance.instance_id)
    tx.instances.append(instance.instance_id)


def _end(
    tx: Transaction, instance: Instance, ending: Completed | Failed | Terminated, completion_id: int
) -> HistoryEvent:
    """Ends the instance, sends the result to its parent, and returns the event for the history."""
    answer: HistoryEvent
    task_id = instance.parent.task_id if instance.parent else -1
    match ending:
        case Completed():
            number, status, output, result = COMPLETED, RuntimeStatus.COMPLETED, ending.output, ending.output
            answer = history_event(
                EventType.SUB_ORCHESTRATION_COMPLETED, tx.now, TaskScheduledId=task_id, Result=result
            )
        case Failed() | Terminated():
            number, status = (
                (FAILED, RuntimeStatus.FAILED)
                if isinstance(ending, Failed)
                else (TERMINATED, RuntimeStatus.TERMINATED)
            )
            output, result = compact_json(ending.reason), ending.reason
            answer = history_event(
                EventType.SUB_ORCHESTRATION_FAILED,
                tx.now,
                TaskScheduledId=task_id,
                Reason=ending.reason,
                Details=ending.details if isinstance(ending, Failed) else None,
                FailureDetails=None,
            )
    ended = replace(instance, status=status, output=output)
    if tx.killed_before_row:
        tx.store.instances.leave_unwritten(ended, tx.taken_until)
    else:
        tx.store.instances.set_progress(ended)
        tx.ended.append(ended.state())
    remove_timers(tx, instance.instance_id)
    error = ending.reason if isinstance(ending, Failed) else None
    tx.end_span(spans.orchestration_ended, ended, tx.now, error)
    if instance.parent is not None:
        if instance.parent.span is not None:
            parent_id, opened = instance.parent.instance_id, instance.parent.span
            tx.end_span(spans.sub_orchestration_ended, ended, parent_id, opened, tx.now, answer.get("Reason"))
        send(tx, instance.parent.instance_id, instance.parent.execution_id, answer)
    return history_event(
        EventType.EXECUTION_COMPLETED,
        tx.now,
        completion_id,
        OrchestrationStatus=number,
        Result=result,
        FailureDetails=None,
    )


def _execution_started(instance: Instance, at: str, generation: int | None = 0) -> HistoryEvent:
    """``generation`` is None for an execution after continue-as-new."""
    parent = instance.parent
    return history_event(
        EventType.EXECUTION_STARTED,
        at,
        OrchestrationInstance={"InstanceId": instance.instance_id, "ExecutionId": instance.execution_id},
        ParentInstance=parent
        and {
            "Name": parent.name,
            "Version": parent.version,
            "OrchestrationInstance": {"InstanceId": parent.instance_id, "ExecutionId": parent.execution_id},
            "TaskScheduleId": parent.task_id,
        },
        Name=instance.name,
        Version=instance.version,
        Input=instance.input,
        Tags=None,
        Correlation=None,
        ParentTraceContext=execution_trace(instance.span),
        ScheduledStartTime=None,
        Generation=generation,
        GenerateNewTrace=False,
    )
