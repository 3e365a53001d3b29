"""The Event Grid webhook: handshakes, and one invocation for each event that is delivered.

durable-functions behaviour: the Event Grid extension answers here for every function with an
``eventGridTrigger``. This host requires no key (``code=``), like the Core Tools.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from functions_host.durable.language_worker import InvocationError
from functions_host.worker import protos
from functions_host.worker.functions import FunctionDefinition
from functions_host.worker.invocations import Invoke

log = logging.getLogger(__name__)

WEBHOOK_PATH = "/runtime/webhooks/eventgrid"
TRIGGER_TYPE = "eventGridTrigger"
_PUBLIC_ORIGIN = "eventgrid.azure.net"
_KNOWN_ORIGINS = frozenset(
    {
        _PUBLIC_ORIGIN,
        "eventgrid.azure.us",
        "eventgrid.azure.cn",
        "eventgrid.azure.eaglex.ic.gov",
        "eventgrid.azure.microsoft.scloud",
    }
)


class EventGridWebhook:
    """Function names are case-sensitive."""

    def __init__(self, functions: Iterable[FunctionDefinition], invoke: Invoke) -> None:
        self._functions = {f.name: f for f in functions if f.trigger_type == TRIGGER_TYPE}
        self._invoke = invoke

    async def handle(self, request: web.Request) -> web.Response:
        name = _function_name(request)
        function = self._functions.get(name)
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            return web.Response(headers={"Webhook-Allowed-Origin": _allowed_origin(request)})
        if request.method != "POST":
            return web.Response(status=400)
        match request.headers.get("aeg-event-type", "").lower():
            case "subscriptionvalidation":
                return await _validation(request)
            case "notification":
                return await self._notification(function, request)
            case "unsubscribe":
                return web.Response(status=202)
        return web.Response(status=400)

    async def _notification(self, function: FunctionDefinition, request: web.Request) -> web.Response:
        """202 if every event was handled. 500 after one failure: the sender then delivers all events again."""
        try:
            events = _events(await request.read())
        except (ValueError, RecursionError) as error:
            return _unreadable(function.name, error)
        runs = (self._invoke(function, event_input(event)) for event in events)
        results = await asyncio.gather(*runs, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, InvocationError):
                raise failure
            log.error("%s failed: %s", function.name, failure.stack or failure.message)
        return web.Response(status=500, text=str(failures[0])) if failures else web.Response(status=202)


def event_input(event: dict[str, Any]) -> protos.TypedData:
    """The trigger value of one event, as the worker receives it: indented JSON, dates unchanged."""
    return protos.TypedData(json=json.dumps(event, indent=2, ensure_ascii=False))


async def _validation(request: web.Request) -> web.Response:
    try:
        event = _events(await request.read())[0]
        data = event["data"]
        # Some senders encode the data twice, as JSON in a text.
        code = (json.loads(data) if isinstance(data, str) else data)["validationCode"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        return _unreadable("subscription validation", error)
    return web.json_response({"validationResponse": code})


def _events(body: bytes) -> Sequence[dict[str, Any]]:
    """One event or an array of them. Raises ValueError."""
    content = json.loads(body)
    events = content if isinstance(content, list) else [content]
    for event in events:
        if not isinstance(event, dict):
            raise ValueError(f"an event is a JSON object, not {json.dumps(event)[:80]}")
    return events


def _unreadable(what: str, error: Exception) -> web.Response:
    log.error("Event Grid delivery for %s cannot be read: %s", what, error)
    return web.Response(status=500)


def _function_name(request: web.Request) -> str:
    return next((value for key, value in request.query.items() if key.lower() == "functionname"), "")


def _allowed_origin(request: web.Request) -> str:
    origin = request.headers.get("WebHook-Request-Origin", "").lower()
    return origin if origin in _KNOWN_ORIGINS else _PUBLIC_ORIGIN
