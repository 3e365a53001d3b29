"""Management API, orchestrations: start, status, list, purge, and the operations on one instance."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import web

from functions_host.durable.errors import (
    ArgumentError,
    InstanceGoneError,
    InstanceNotFoundError,
    OrchestrationAlreadyExistsError,
)
from functions_host.durable.states import InstanceState, RuntimeStatus
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.durable_http.bodies import json_text, required_json_text
from functions_host.durable_http.query_parameters import CONTINUATION_HEADER, QueryParameters
from functions_host.durable_http.responses import (
    BadRequestError,
    check_status_response,
    empty_response,
    envelope_response,
    json_response,
    message_response,
)
from functions_host.durable_http.status import history_payload, parsed, status_payload
from functions_host.worker.invocations import trace_of

_STATUS_POLLING_SECONDS = "5"


class Instances:
    def __init__(self, hub: DurableTaskHub, hub_name: str) -> None:
        self._hub = hub
        self._hub_name = hub_name
        self._with_reason: Mapping[str, Callable[[str, str], Awaitable[None]]] = {
            "terminate": hub.terminate,
            "suspend": hub.suspend,
            "resume": hub.resume,
            "rewind": hub.rewind,
        }

    async def start(
        self, request: web.Request, query: QueryParameters, name: str, instance_id: str | None
    ) -> web.Response:
        body = await json_text(request)
        try:
            started_id = await self._hub.start(
                name, body, instance_id, query.text("version"), trace_of(request.headers)
            )
        except OrchestrationAlreadyExistsError as error:
            return message_response(409, str(error))
        timeout, interval = query.seconds("timeout"), query.seconds("pollingInterval")
        if timeout is None or interval is None:
            return check_status_response(request, self._hub_name, started_id)
        return await self._wait(request, query, started_id, timeout, interval)

    async def list(self, request: web.Request, query: QueryParameters) -> web.Response:
        continuation = request.headers.get(CONTINUATION_HEADER) or None
        page = await self._hub.query(query.instance_query(continuation))
        show_input = query.flag("showInput", True)
        headers = {CONTINUATION_HEADER: page.continuation or ""}
        return json_response([status_payload(state, show_input) for state in page.instances], headers=headers)

    async def status(self, request: web.Request, query: QueryParameters, instance_id: str) -> web.Response:
        state = await self._existing(instance_id)
        show_input = query.flag("showInput", True)
        payload = status_payload(state, show_input)
        if query.flag("showHistory", False) and state.runtime_status is not RuntimeStatus.PENDING:
            events = await self._hub.history(instance_id)
            payload["historyEvents"] = history_payload(
                events, query.flag("showHistoryOutput", False), show_input
            )
        if not state.runtime_status.is_terminal:
            return json_response(
                payload, 202, {"Location": str(request.url), "Retry-After": _STATUS_POLLING_SECONDS}
            )
        failed = state.runtime_status is RuntimeStatus.FAILED
        return json_response(
            payload, 500 if failed and query.flag("returnInternalServerErrorOnFailure", False) else 200
        )

    async def purge(self, instance_id: str) -> web.Response:
        if not await self._hub.purge(instance_id):
            raise InstanceNotFoundError(instance_id)
        return json_response({"instancesDeleted": 1})

    async def purge_by(self, query: QueryParameters) -> web.Response:
        condition = query.instance_query()
        if condition.created_from is None:
            return json_response("Please provide value for 'createdTimeFrom' parameter.", 400)
        deleted = await self._hub.purge_by(
            replace(condition, created_to=condition.created_to or datetime.now(UTC))
        )
        return json_response({"instancesDeleted": deleted}) if deleted else empty_response(404)

    async def operate(
        self, request: web.Request, query: QueryParameters, instance_id: str, operation: str
    ) -> web.Response:
        match operation.lower():
            case "restart":
                new_id = None if query.flag("restartWithNewInstanceId", True) else instance_id
                return await self._restart(request, instance_id, new_id)
            case "restartwithoptions":
                new_id = (query.text("newInstanceId") or "").strip()
                if not new_id:
                    raise BadRequestError("A new orchestration instance ID must be provided.")
                return await self._restart(request, instance_id, new_id, query.text("version"))
            case name if name in self._with_reason:
                return await self._operate_with_reason(name, instance_id, query.text("reason") or "")
        return empty_response(404)

    async def _operate_with_reason(self, operation: str, instance_id: str, reason: str) -> web.Response:
        try:
            await self._with_reason[operation](instance_id, reason)
        except InstanceNotFoundError:
            if operation != "rewind":
                raise
            # durable-functions behaviour: the dollar sign is part of the text.
            return json_response(f'No orchestration with instance ID "${instance_id}" found.', 404)
        return empty_response(202)

    async def raise_event(self, request: web.Request, instance_id: str, event_name: str) -> web.Response:
        # The instance is checked before the body, as in production.
        if (await self._existing(instance_id)).runtime_status.is_terminal:
            raise InstanceGoneError(instance_id)
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise BadRequestError("Only application/json request content is supported")
        await self._hub.raise_event(instance_id, event_name, await required_json_text(request))
        return empty_response(202)

    async def _restart(
        self, request: web.Request, instance_id: str, new_id: str | None, version: str | None = None
    ) -> web.Response:
        try:
            started_id = await self._hub.restart(instance_id, new_id, version)
        except ArgumentError as error:
            return envelope_response(400, "InstanceId does not match a valid orchestration instance.", error)
        except OrchestrationAlreadyExistsError as error:
            return envelope_response(
                409, "A non-terminal instance with this instance ID already exists.", error
            )
        return check_status_response(request, self._hub_name, started_id)

    async def _wait(
        self, request: web.Request, query: QueryParameters, instance_id: str, timeout: float, interval: float
    ) -> web.Response:
        if interval > timeout:
            raise ArgumentError(f"Total timeout {timeout:g} should be bigger than retry timeout {interval:g}")
        deadline = time.monotonic() + timeout
        while True:
            state = await self._existing(instance_id)
            if state.runtime_status is RuntimeStatus.COMPLETED:
                return json_response(parsed(state.output))
            if state.runtime_status.is_terminal:
                return await self.status(request, query, instance_id)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return check_status_response(request, self._hub_name, instance_id)
            await asyncio.sleep(min(interval, remaining))

    async def _existing(self, instance_id: str) -> InstanceState:
        state = await self._hub.get(instance_id)
        if state is None:
            raise InstanceNotFoundError(instance_id)
        return state
