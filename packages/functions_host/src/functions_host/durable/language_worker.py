"""The interface of the durable engine to the language worker, which runs the app's functions."""

from collections.abc import Collection
from typing import Protocol

from functions_host.telemetry.trace_context import TraceContext


class Worker(Protocol):
    """Runs orchestrators, activities and entities.

    Names are durable names (argument of the decorator, else name of the function); they are case-insensitive.

    Each call takes and returns the JSON text that goes from process to process in production. It raises
    InvocationError when the user function, or the conversion of its input or output, fails. ``trace`` is the span
    of the function.
    """

    @property
    def orchestrators(self) -> Collection[str]: ...

    @property
    def activities(self) -> Collection[str]: ...

    @property
    def entities(self) -> Collection[str]: ...

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str: ...

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None: ...

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str: ...


class InvocationError(Exception):
    """A user function failed. ``message`` is ``"{TypeName}: {text}"``, as the worker reports it."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack
