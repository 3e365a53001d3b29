"""Management API, entities: read, list and signal."""

from datetime import UTC

from aiohttp import web

from functions_host.durable.errors import ArgumentError
from functions_host.durable.states import EntityState
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.durable_http.bodies import signal_input
from functions_host.durable_http.query_parameters import CONTINUATION_HEADER, QueryParameters
from functions_host.durable_http.responses import BadRequestError, empty_response, json_response
from functions_host.durable_http.status import parsed
from functions_host.worker.invocations import trace_of

# Stands for the empty key: a path cannot have an empty segment.
_EMPTY_KEY = "$"


class Entities:
    def __init__(self, hub: DurableTaskHub) -> None:
        self._hub = hub

    async def handle(self, request: web.Request, query: QueryParameters, name: str, key: str) -> web.Response:
        if request.method == "GET":
            return await (self._read(name, key) if key else self._list(request, query, name))
        if request.method not in {"POST", "DELETE"}:
            return empty_response(404)
        if not name:
            raise BadRequestError("The entity name must not be empty.")
        operation = "delete" if request.method == "DELETE" else query.text("op") or ""
        operation_input, trace = await signal_input(request), trace_of(request.headers)
        try:
            await self._hub.signal_entity(name.lower(), _key(key), operation, operation_input, trace)
        except ArgumentError as error:
            raise BadRequestError(str(error)) from error
        return empty_response(202)

    async def _read(self, name: str, key: str) -> web.Response:
        entity = await self._hub.get_entity(name.lower(), _key(key))
        return empty_response(404) if entity is None else json_response(parsed(entity.state))

    async def _list(self, request: web.Request, query: QueryParameters, name: str) -> web.Response:
        fetch_state = query.flag("fetchState", False)
        entities, continuation = await self._hub.list_entities(
            name=name.lower() or None,
            top=query.page_size(),
            continuation=request.headers.get(CONTINUATION_HEADER) or None,
            last_operation_from=query.time("lastOperationTimeFrom"),
            last_operation_to=query.time("lastOperationTimeTo"),
            # durable-functions behaviour: a list without states leaves out the entities that have no state.
            include_deleted=fetch_state,
        )
        headers = {CONTINUATION_HEADER: continuation or ""}
        return json_response([_listed(entity, fetch_state) for entity in entities], headers=headers)


def _key(path_segment: str) -> str:
    return "" if path_segment == _EMPTY_KEY else path_segment


def _listed(entity: EntityState, fetch_state: bool) -> dict[str, object]:
    return {
        "entityId": {"name": entity.name, "key": entity.key},
        "lastOperationTime": entity.last_operation_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "state": parsed(entity.state) if fetch_state else None,
    }
