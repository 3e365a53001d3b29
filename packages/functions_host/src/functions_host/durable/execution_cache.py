"""The histories of running executions, so that an episode reads and parses only new events."""

from collections import OrderedDict
from dataclasses import dataclass, field

from functions_host.durable.events import HistoryEvent

# Characters of history text; the parsed events need several times as much memory.
DEFAULT_LIMIT = 8_000_000


@dataclass(slots=True)
class Execution:
    """``texts`` and ``events`` are the same history, as JSON and parsed."""

    execution_id: str
    texts: list[str] = field(default_factory=list)
    events: list[HistoryEvent] = field(default_factory=list)
    size: int = 0


class ExecutionCache:
    """Drops the least recently used executions when the histories exceed ``limit`` characters."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._executions: OrderedDict[str, Execution] = OrderedDict()

    def take(self, instance_id: str, execution_id: str) -> Execution | None:
        """Removes the entry and returns it; the caller puts it back when it equals the stored history."""
        execution = self._executions.pop(instance_id, None)
        if execution is None:
            return None
        self._size -= execution.size
        return execution if execution.execution_id == execution_id else None

    def put(self, instance_id: str, execution: Execution) -> None:
        execution.size = sum(map(len, execution.texts))
        self.drop(instance_id)
        self._executions[instance_id] = execution
        self._size += execution.size
        while self._size > self._limit:
            _, oldest = self._executions.popitem(last=False)
            self._size -= oldest.size

    def drop(self, instance_id: str) -> None:
        execution = self._executions.pop(instance_id, None)
        if execution is not None:
            self._size -= execution.size
