"""Runs the waiting operations of one entity as a batch. An entity never runs twice at the same time."""

import logging

from functions_host.durable.clock import Clock
from functions_host.durable.decisions import EntityId
from functions_host.durable.entity_batch import (
    MAX_BATCH_OPERATIONS,
    batch_json,
    failed_outcome,
    parse_outcome,
)
from functions_host.durable.events import format_time
from functions_host.durable.known_functions import KnownFunctions
from functions_host.durable.language_worker import InvocationError, Worker
from functions_host.durable.store.store import Store
from functions_host.durable.transitions import NewTransaction, commit_batch
from functions_host.telemetry.trace_context import OpenSpan, TraceContext

logger = logging.getLogger(__name__)


class EntityRunner:
    def __init__(
        self,
        store: Store,
        worker: Worker,
        known: KnownFunctions,
        clock: Clock,
        transaction: NewTransaction,
    ) -> None:
        self._store = store
        self._worker = worker
        self._known = known
        self._clock = clock
        self._transaction = transaction

    async def run(self, entity: EntityId) -> None:
        tables = self._store.entities
        operations = tables.waiting(entity, MAX_BATCH_OPERATIONS)
        if not operations:
            return
        state = tables.find(entity)
        batch = batch_json(entity, state, operations)
        began = format_time(self._clock.now())
        spans = [OpenSpan.below(each.span.context, began) if each.span else None for each in operations]
        # One invocation handles all operations, and it has only one span.
        trace = next((span.context for span in spans if span), None) or TraceContext.root()
        problem = self._known.entities.problem_with(entity.name)
        if problem is not None:
            outcome = failed_outcome(problem, operations, state)
        else:
            try:
                outcome = parse_outcome(await self._worker.run_entity(entity.name, batch, trace))
            except InvocationError as error:
                problem = error.message
                outcome = failed_outcome(error.message, operations, state)
        if problem is not None:
            logger.error("A batch of %d operations on entity %s failed: %s", len(operations), entity, problem)
        with self._transaction() as tx:
            commit_batch(tx, entity, operations, spans, outcome)
            if len(operations) == MAX_BATCH_OPERATIONS:
                tx.entities.append(entity)
