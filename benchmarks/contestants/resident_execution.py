"""An execution that stays in memory between its episodes, so that the SDK processes only new events.

It gives the SDK's answers without a replay, for the episodes of a long history that are not measured. Where an
episode is replayed, the answers are compared.
"""

import json
from collections.abc import Callable
from typing import Any

from azure.durable_functions import DurableOrchestrationContext
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor


class ResidentExecution:
    def __init__(self, orchestrator: Callable[[DurableOrchestrationContext], Any]) -> None:
        self._orchestrator = orchestrator
        self._executor = TaskOrchestrationExecutor()  # type: ignore[no-untyped-call]
        self._seen = 0

    def answer(self, context_json: str) -> str:
        """The SDK's answer to the next episode. Needs every episode, in order."""
        history = json.loads(context_json)["history"]
        new, known = history[self._seen :], self._seen
        self._seen = len(history)
        if not known:
            context = DurableOrchestrationContext.from_json(context_json)
            return self._executor.execute(context, context.histories, self._orchestrator)
        for event in new:
            self._executor.process_event(HistoryEvent(**event))
        return self._executor.get_orchestrator_state_str()
