"""A worker for tests: runs functions in this process, through the replay code of the published SDK."""

import inspect
import json
import traceback
import warnings
from collections.abc import Callable, Collection
from typing import Any

from azure.durable_functions import Entity, Orchestrator

from functions_host.durable.language_worker import InvocationError
from functions_host.durable.states import InstanceState
from functions_host.telemetry.trace_context import TraceContext

Function = Callable[..., Any]


class SdkWorker:
    """Implements ``Worker``. ``contexts`` and ``batches`` record the input of the SDK.

    ``traces`` has the name and the span of each function that ran.
    """

    def __init__(self) -> None:
        self._orchestrators: dict[str, tuple[str, Function]] = {}
        self._activities: dict[str, tuple[str, Function]] = {}
        self._entities: dict[str, tuple[str, Function]] = {}
        self.contexts: list[dict[str, Any]] = []
        self.batches: list[dict[str, Any]] = []
        self.traces: list[tuple[str, TraceContext]] = []

    def orchestrator(self, function: Function) -> Function:
        handle = Orchestrator.create(function)
        self._orchestrators[function.__name__.lower()] = (function.__name__, handle)
        return function

    def activity(self, function: Function) -> Function:
        self._activities[function.__name__.lower()] = (function.__name__, function)
        return function

    def entity(self, function: Function) -> Function:
        self._entities[function.__name__.lower()] = (function.__name__, Entity.create(function))
        return function

    @property
    def orchestrators(self) -> Collection[str]:
        return [name for name, _ in self._orchestrators.values()]

    @property
    def activities(self) -> Collection[str]:
        return [name for name, _ in self._activities.values()]

    @property
    def entities(self) -> Collection[str]:
        return [name for name, _ in self._entities.values()]

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str:
        self.traces.append((name, trace))
        self.contexts.append(json.loads(context_json))
        return self._call_sdk(self._orchestrators[name.lower()][1], context_json)

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None:
        self.traces.append((name, trace))
        function = self._activities[name.lower()][1]
        try:
            result = function(json.loads(input_json))
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:
            raise InvocationError(f"{type(error).__name__}: {error}", traceback.format_exc()) from error
        return json.dumps(result)

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str:
        self.traces.append((name, trace))
        self.batches.append(json.loads(batch_json))
        return self._call_sdk(self._entities[name.lower()][1], batch_json)

    def _call_sdk(self, handle: Function, message: str) -> str:
        with warnings.catch_warnings():
            # The SDK warns about early events and about its own untyped payloads.
            warnings.simplefilter("ignore")
            try:
                answer: str = handle(message)
            except Exception as error:
                raise InvocationError(f"{type(error).__name__}: {error}", traceback.format_exc()) from error
        return answer


def output(state: InstanceState) -> Any:
    """The output of an instance, parsed."""
    assert state.output is not None
    return json.loads(state.output)
