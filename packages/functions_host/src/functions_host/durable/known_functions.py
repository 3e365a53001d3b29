"""The functions that the worker can run, and the extension's message for one that it cannot run."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from functions_host.durable.actions import Action, ActionType
from functions_host.durable.decisions import EntityId
from functions_host.durable.language_worker import Worker


class FunctionNames:
    """Durable names of one kind (``activity``, ``orchestrator`` or ``entity``); they are case-insensitive."""

    def __init__(self, kind: str, names: Collection[str]) -> None:
        self._kind = kind
        self._names = sorted(names)
        self._folded = frozenset(name.casefold() for name in names)

    def problem_with(self, name: str) -> str | None:
        """The extension's message if there is no such function, else None."""
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
    def of(cls, worker: Worker) -> Self:
        return cls(
            FunctionNames("activity", worker.activities),
            FunctionNames("orchestrator", worker.orchestrators),
            FunctionNames("entity", worker.entities),
        )

    def problem_with(self, action: Action) -> str | None:
        """The same for the function that the action calls; None also if it calls none."""
        match action["actionType"]:
            case ActionType.CALL_ACTIVITY | ActionType.CALL_ACTIVITY_WITH_RETRY:
                return self.activities.problem_with(action["functionName"])
            case ActionType.CALL_SUB_ORCHESTRATOR | ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY:
                return self.orchestrators.problem_with(action["functionName"])
            case ActionType.CALL_ENTITY | ActionType.SIGNAL_ENTITY:
                return self.entities.problem_with(EntityId.parse(action["instanceId"]).name)
        return None
