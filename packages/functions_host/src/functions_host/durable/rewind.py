"""Rewind of a failed orchestration: its failures are removed from the history, and it runs again from there."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from functions_host.durable.events import EventType, HistoryEvent, history_event, join_events
from functions_host.durable.states import RuntimeStatus
from functions_host.durable.store.instance_tables import Instance
from functions_host.durable.transitions import Transaction, send

_FAILURES = (EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED)
_NEW_WORK = (EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED, EventType.EVENT_SENT)
_TIMERS = (EventType.TIMER_CREATED, EventType.TIMER_FIRED)


@dataclass(frozen=True, slots=True)
class RewoundHistory:
    """``children`` are the failed sub-orchestrations: they are rewound, too, and then answer again."""

    events: Sequence[HistoryEvent]
    children: Sequence[str]


def rewind_history(history: Sequence[HistoryEvent], rewindable_children: Iterable[str]) -> RewoundHistory:
    """Replaces the events of work that must run again by generic events, which a replay ignores.

    This concerns only the failures that ended the execution. If the orchestrator scheduled more work after a
    failure, it handled the failure (or retried), and the history must keep it to match the code. The timers after
    the failures belong to their retry policy and are replaced with them. The TaskScheduled of a failed activity is
    replaced, too, so that the activity is scheduled again; likewise a child that cannot be rewound.
    """
    last_new_work = max(
        (index for index, event in enumerate(history) if event["EventType"] in _NEW_WORK), default=-1
    )
    failures = {
        event["TaskScheduledId"]: index
        for index, event in enumerate(history)
        if index > last_new_work and event["EventType"] in _FAILURES
    }
    first_failure = min(failures.values(), default=len(history))
    alive = set(rewindable_children)
    kept: list[HistoryEvent] = []
    children: list[str] = []
    for index, event in enumerate(history):
        kind = event["EventType"]
        undone = (
            (kind in _FAILURES and failures.get(event["TaskScheduledId"]) == index)
            or (kind == EventType.TASK_SCHEDULED and event["EventId"] in failures)
            or (kind in _TIMERS and index > first_failure)
            or kind == EventType.EXECUTION_COMPLETED
        )
        if kind == EventType.SUB_ORCHESTRATION_CREATED and event["EventId"] in failures:
            if event["InstanceId"] in alive:
                children.append(event["InstanceId"])
            else:
                undone = True
        kept.append(_rewound(event) if undone else event)
    return RewoundHistory(kept, children)


def rewind_instance(tx: Transaction, instance: Instance, reason: str) -> Sequence[str]:
    """Returns the ids of all instances whose history changed."""
    tables = tx.store.instances
    history: list[HistoryEvent] = json.loads(f"[{','.join(tables.history(instance.instance_id))}]")
    created = [e["InstanceId"] for e in history if e["EventType"] == EventType.SUB_ORCHESTRATION_CREATED]
    failed_children = {
        child.instance_id: child
        for child in map(tables.find, created)
        if child is not None
        and child.status is RuntimeStatus.FAILED
        and child.parent is not None
        and child.parent.execution_id == instance.execution_id
    }
    rewound = rewind_history(history, failed_children)
    tables.delete_history(instance.instance_id)
    tables.append_history(instance.instance_id, join_events(rewound.events))
    tables.set_progress(replace(instance, status=RuntimeStatus.RUNNING, output=None, updated_at=tx.now))
    send(tx, instance.instance_id, None, history_event(EventType.GENERIC, tx.now, Data=f"Rewound: {reason}"))
    changed = [instance.instance_id]
    for child_id in rewound.children:
        changed.extend(rewind_instance(tx, failed_children[child_id], reason))
    return changed


def _rewound(event: HistoryEvent) -> HistoryEvent:
    kind = EventType(event["EventType"]).name
    return history_event(EventType.GENERIC, event["Timestamp"], Data=f"Rewound: {kind}") | {"IsPlayed": True}
