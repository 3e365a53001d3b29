"""What the durable engine needs from the process that runs the app's functions."""

from collections.abc import Collection
from typing import Protocol

from functions_host.telemetry.trace_context import TraceContext


class Worker(Protocol):
    """The language worker.

    Names are durable names (decorator argument, else function name), matched without case.

    Each call takes and returns the JSON text that crosses the process border in production, and raises
    ``InvocationError`` when the user function (or its binding conversion) fails. ``trace`` is the span that the
    function runs in.
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
    """A user function failed. ``message`` is ``"{TypeName}: {text}"`` as the worker reports it."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack
