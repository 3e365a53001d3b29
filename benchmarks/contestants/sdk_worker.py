"""Invokes the functions of an app through the published SDK alone, and counts what the replay costs."""

import json
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from azure.functions.decorators.function_app import Function

from benchmarks.contestants.resident_execution import ResidentExecution
from functions_host.durable.language_worker import InvocationError
from functions_host.telemetry.trace_context import TraceContext

UserFunction = Callable[[Any], Any]


class SdkWorker:
    """Implements the engine's ``Worker``. ``context_bytes`` is the size of all contexts, ``history_bytes`` that
    of the histories in them.

    With ``resident`` only every ``replay_every``-th pair of episodes is replayed. The CPU of the others is
    estimated from their bytes, because the CPU of a replay is in proportion to its bytes.
    """

    def __init__(
        self, functions: Sequence[Function], resident: ResidentExecution | None = None, replay_every: int = 1
    ) -> None:
        self._orchestrators = _of_type(functions, "orchestrationTrigger")
        self._activities = _of_type(functions, "activityTrigger")
        self._entities = _of_type(functions, "entityTrigger")
        self._resident = resident
        self._replay_every = replay_every
        self._replayed_bytes = 0
        self._replay_cpu = 0.0
        self.episodes = 0
        self.history_bytes = 0
        self.context_bytes = 0
        self.cpu_spent = 0.0

    @property
    def replay_cpu(self) -> float:
        return self._replay_cpu * self.context_bytes / self._replayed_bytes

    @property
    def orchestrators(self) -> Collection[str]:
        return self._orchestrators

    @property
    def activities(self) -> Collection[str]:
        return self._activities

    @property
    def entities(self) -> Collection[str]:
        return self._entities

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str:
        entered = time.process_time()
        size = len(context_json.encode())
        expected = self._resident.answer(context_json) if self._resident else None
        if expected is None or self.episodes // 2 % self._replay_every == 0:
            answer = self._replay(name, context_json, size)
            if expected is not None and json.loads(expected) != json.loads(answer):
                raise AssertionError(
                    f"Without replay {name} answered differently in episode {self.episodes}."
                )
        else:
            answer = expected
        self.episodes += 1
        self.context_bytes += size
        self.history_bytes += _history_size(context_json)
        self.cpu_spent += time.process_time() - entered
        return answer

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None:
        return json.dumps(_call(self._activities[name], json.loads(input_json)))

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str:
        return str(_call(self._entities[name], batch_json))

    def _replay(self, name: str, context_json: str, size: int) -> str:
        started = time.process_time()
        answer = str(_call(self._orchestrators[name], context_json))
        self._replay_cpu += time.process_time() - started
        self._replayed_bytes += size
        return answer


def _history_size(context_json: str) -> int:
    # No text in the history can contain this: quotes in JSON strings are escaped.
    beginning, end = context_json.index("["), context_json.rindex('], "input": ') + 1
    return len(context_json[beginning:end].encode())


def _of_type(functions: Sequence[Function], trigger_type: str) -> Mapping[str, UserFunction]:
    return {
        str(function.get_function_name()): function.get_user_function()
        for function in functions
        if (trigger := function.get_trigger()) and trigger.type == trigger_type
    }


def _call(function: UserFunction, value: object) -> Any:
    try:
        return function(value)
    except Exception as error:
        # The engine would take any other exception for its own failure, and retry for ever.
        raise InvocationError(f"{type(error).__name__}: {error}", traceback.format_exc()) from error
