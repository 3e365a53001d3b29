"""Runs one episode of one orchestration: load it, ask the SDK, decide, commit."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace

from functions_host.durable.action_runner import DEFAULT_HTTP_POLL, ExecutionIdentity
from functions_host.durable.clock import Clock
from functions_host.durable.episode import (
    Answer,
    EpisodeOutcome,
    Failed,
    Terminated,
    decide,
    terminate_reason,
)
from functions_host.durable.events import EventType, HistoryEvent, format_time, history_event, join_events
from functions_host.durable.execution_cache import Execution, ExecutionCache
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.known_functions import KnownFunctions
from functions_host.durable.language_worker import InvocationError, Worker
from functions_host.durable.store.instance_tables import Instance, Message
from functions_host.durable.store.store import Store
from functions_host.durable.transitions import NewTransaction, commit_episode
from functions_host.telemetry.event_traces import execution_trace

logger = logging.getLogger(__name__)


class EpisodeRunner:
    def __init__(
        self,
        store: Store,
        worker: Worker,
        known: KnownFunctions,
        clock: Clock,
        default_version: str,
        transaction: NewTransaction,
        kill_point: KillPoint | None,
    ) -> None:
        self._store = store
        self._worker = worker
        self._known = known
        self._clock = clock
        self._default_version = default_version
        self._transaction = transaction
        self._kill_point = kill_point
        self._cache = ExecutionCache()

    def forget(self, instance_id: str) -> None:
        self._cache.drop(instance_id)

    async def run(self, instance_id: str) -> None:
        tables = self._store.instances
        waiting = tables.messages(instance_id)
        if not waiting:
            return
        messages = _for_one_episode(waiting)
        up_to = messages[-1].id
        instance = tables.find(instance_id)
        if instance is None or instance.status.is_terminal:
            with self._transaction():
                tables.consume(instance_id, up_to)
            return
        # Answers to an earlier execution, before continue-as-new, are not for this one.
        events = [each.event for each in messages if each.execution_id in (None, instance.execution_id)]
        if not events:
            with self._transaction():
                tables.consume(instance_id, up_to)
            return
        execution = self._execution(instance)
        has_begun = bool(execution.texts) or events[0]["EventType"] == EventType.EXECUTION_STARTED
        if not has_begun and terminate_reason(events) is None:
            # The start is still hidden, because a killed host had taken it; later messages wait for it.
            return
        # durable-functions behaviour (DurableTask.AzureStorage 2.7): a terminate ends a pending instance without it.
        now = format_time(self._clock.now())
        if not instance.span.started_at:
            instance = _begun(instance, events, now)
        new_events = [history_event(EventType.ORCHESTRATOR_STARTED, now), *events]
        outcome = await self._outcome(instance, execution, new_events)
        with self._transaction() as tx:
            if not self._is_current(instance):
                return
            tx.killed_before_row = self._kill_point is not None and self._kill_point.reached()
            gained = commit_episode(tx, instance, new_events, up_to, outcome)
            if len(messages) < len(waiting):
                tx.instances.append(instance_id)
        if self._kill_point is not None and tx.killed_before_row:
            self._kill_point.kill()
        if gained is not None:
            execution.events.extend(gained[0])
            execution.texts.append(gained[1])
            self._cache.put(instance_id, execution)

    def _is_current(self, instance: Instance) -> bool:
        """False if the instance was purged or replaced while the episode ran: its results are then dropped."""
        now = self._store.instances.find(instance.instance_id)
        return now is not None and now.execution_id == instance.execution_id

    def _execution(self, instance: Instance) -> Execution:
        cached = self._cache.take(instance.instance_id, instance.execution_id)
        if cached is not None:
            return cached
        texts = self._store.instances.history(instance.instance_id)
        return Execution(instance.execution_id, texts, json.loads(f"[{','.join(texts)}]"))

    async def _outcome(
        self, instance: Instance, execution: Execution, new_events: Sequence[HistoryEvent]
    ) -> EpisodeOutcome:
        reason = terminate_reason(new_events)
        if reason is not None:
            return EpisodeOutcome(ending=Terminated(reason))
        if problem := self._known.orchestrators.problem_with(instance.name):
            return EpisodeOutcome(ending=Failed.by_orchestrator(instance.name, problem))
        identity = ExecutionIdentity(
            instance_id=instance.instance_id,
            execution_id=instance.execution_id,
            parent_instance_id=instance.parent.instance_id if instance.parent else None,
            default_version=self._default_version,
        )
        context = _context_json(instance, execution.texts, new_events)
        try:
            text = await self._worker.run_orchestrator(instance.name, context, instance.span.context)
            answer = Answer.parse(text)
        except InvocationError as error:
            answer = Answer.of_failure(error)
        outcome = decide(instance.name, identity, [*execution.events, *new_events], answer, self._known)
        for problem in outcome.missing:
            logger.error(
                "Instance %s of %s waits forever for a function that the app does not have. %s",
                instance.instance_id,
                instance.name,
                problem,
            )
        return outcome


def _for_one_episode(waiting: Sequence[Message]) -> Sequence[Message]:
    """The first episode after continue-as-new ends before the messages that came later."""
    for position, message in enumerate(waiting, 1):
        if message.event["EventType"] == EventType.ORCHESTRATOR_COMPLETED:
            return waiting[:position]
    return waiting


def _begun(instance: Instance, events: Sequence[HistoryEvent], now: str) -> Instance:
    """The instance with the start of its work. Its ExecutionStarted event gets the same time."""
    begun = replace(instance, span=replace(instance.span, started_at=now))
    for event in events:
        if event["EventType"] == EventType.EXECUTION_STARTED:
            event["ParentTraceContext"] = execution_trace(begun.span)
    return begun


def _context_json(instance: Instance, past: Sequence[str], new_events: Sequence[HistoryEvent]) -> str:
    """The value of the orchestration trigger. The stored text of the history is inserted as it is."""
    history = ",".join((*past, join_events(new_events)))
    rest = json.dumps(
        {
            "instanceId": instance.instance_id,
            "isReplaying": bool(past),
            "parentInstanceId": instance.parent.instance_id if instance.parent else None,
            "sourceInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": int(DEFAULT_HTTP_POLL.total_seconds() * 1000),
        }
    )
    return f'{{"history": [{history}], "input": {instance.input or "null"}, {rest[1:]}'
