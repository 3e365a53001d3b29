"""Which functions the worker can run, and the extension's words for one that it cannot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .contract import Worker
from .decisions import Decision, ScheduleActivity, SendToEntity, StartSubOrchestration
from .shim import HTTP_ACTIVITY


class FunctionNames:
    """Durable names of one kind (``activity``, ``orchestrator`` or ``entity``), matched without case."""

    def __init__(self, kind: str, names: Collection[str]) -> None:
        self._kind = kind
        self._names = sorted(names)
        self._folded = frozenset(name.casefold() for name in names)

    def problem_with(self, name: str) -> str | None:
        if name.casefold() in self._folded:
            return None
        listed = "', '".join(self._names)
        known = (
            f"The following are the known {self._kind} functions: '{listed}'."
            if self._names
            else f"No {self._kind} functions are currently registered!"
        )
        return (
            f"The function '{name}' doesn't exist, is disabled, or is not an {self._kind} function. "
            f"Additional info: {known}"
        )


@dataclass(frozen=True, slots=True)
class KnownFunctions:
    activities: FunctionNames
    orchestrators: FunctionNames
    entities: FunctionNames

    @classmethod
    def of(cls, worker: Worker) -> KnownFunctions:
        return cls(
            FunctionNames("activity", worker.activities),
            FunctionNames("orchestrator", worker.orchestrators),
            FunctionNames("entity", worker.entities),
        )

    def problem_with(self, decision: Decision) -> str | None:
        match decision:
            case ScheduleActivity() if decision.name != HTTP_ACTIVITY:
                return self.activities.problem_with(decision.name)
            case StartSubOrchestration():
                return self.orchestrators.problem_with(decision.name)
            case SendToEntity():
                return self.entities.problem_with(decision.entity.name)
        return None
