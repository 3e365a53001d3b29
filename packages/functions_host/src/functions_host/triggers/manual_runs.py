"""``POST /admin/functions/{name}`` runs a timer or Event Grid function by hand, as with the Core Tools.

The body is ``{"input": "…"}``: for an Event Grid function the JSON text of one event; for a timer it is ignored.
The answer is 202 when the run has begun; the log says whether it failed.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from aiohttp import web

from functions_host.durable.language_worker import InvocationError
from functions_host.triggers import event_grid, timer
from functions_host.worker.functions import FunctionDefinition
from functions_host.worker.invocations import Invoke

log = logging.getLogger(__name__)

Run = Coroutine[Any, Any, None]

MANUAL_RUN_PATH = "/admin/functions/{name}"


class ManualRuns:
    def __init__(
        self,
        functions: Iterable[FunctionDefinition],
        invoke: Invoke,
        run_timer: Callable[[FunctionDefinition], Run],
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._invoke = invoke
        self._run_timer = run_timer
        self._running: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        try:
            text = _input(await request.read())
            run = self._run(function, text)
        except (ValueError, RecursionError) as error:
            return web.Response(status=400, text=str(error))
        task = asyncio.create_task(run)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return web.Response(status=202)

    async def stop(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _run(self, function: FunctionDefinition, text: str) -> Run:
        """Raises ValueError for a function or an input that cannot be run."""
        if function.trigger_type == timer.TRIGGER_TYPE:
            return self._run_timer(function)
        if function.trigger_type == event_grid.TRIGGER_TYPE:
            event = json.loads(text)
            if not isinstance(event, dict):
                raise ValueError("The input must be the JSON text of one event.")
            return self._run_event(function, event)
        raise ValueError(
            f"{function.name} has a {function.trigger_type}; only timer and Event Grid functions run by hand."
        )

    async def _run_event(self, function: FunctionDefinition, event: dict[str, object]) -> None:
        try:
            await self._invoke(function, event_grid.event_input(event))
        except InvocationError as error:
            log.error("%s failed: %s", function.name, error.stack or error.message)


def _input(body: bytes) -> str:
    content = json.loads(body)
    text = (content if isinstance(content, dict) else {}).get("input", "")
    if not isinstance(content, dict) or not isinstance(text, str):
        raise ValueError('The body must be {"input": "<text>"}.')
    return text
