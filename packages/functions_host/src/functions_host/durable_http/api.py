"""The durable HTTP management API: routes and error answers.

The durable client of the SDK sends its requests here, too (``rpcBaseUrl``).
durable-functions behaviour: a wrong verb is answered 404, like an unknown route; paths are case-insensitive.
"""

import logging

from aiohttp import web

from functions_host.durable.errors import (
    ArgumentError,
    InstanceGoneError,
    InstanceNotFoundError,
    InvalidOperationError,
    PreconditionError,
)
from functions_host.durable.task_hub import DurableTaskHub
from functions_host.durable_http.entities import Entities
from functions_host.durable_http.instances import Instances
from functions_host.durable_http.query_parameters import QueryParameters
from functions_host.durable_http.responses import (
    BadRequestError,
    InvalidJsonError,
    empty_response,
    error_response,
    json_response,
)
from functions_host.worker.client_binding import WEBHOOK_PATH

log = logging.getLogger(__name__)


class DurableApi:
    def __init__(self, hub: DurableTaskHub, hub_name: str) -> None:
        self._hub_name = hub_name
        self._instances = Instances(hub, hub_name)
        self._entities = Entities(hub)

    async def handle(self, request: web.Request) -> web.Response:
        try:
            return await self._route(request)
        except web.HTTPException:
            raise
        except InstanceNotFoundError:
            return empty_response(404)
        except InstanceGoneError:
            return empty_response(410)
        except PreconditionError as error:
            return json_response(str(error), 412)
        except (ArgumentError, BadRequestError, InvalidJsonError, InvalidOperationError) as error:
            return error_response(error)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            return error_response(error)

    async def _route(self, request: web.Request) -> web.Response:
        query = QueryParameters(request.query.items())
        self._check_task_hub(query)
        segments = request.path[len(WEBHOOK_PATH) :].strip("/").split("/")
        match [segments[0].lower(), *segments[1:]]:
            case ["orchestrators", name, *instance_id] if len(instance_id) <= 1:
                if request.method != "POST":
                    return empty_response(404)
                return await self._instances.start(request, query, name, next(iter(instance_id), None))
            case ["entities", *name_and_key] if len(name_and_key) <= 2:
                name, key = [*name_and_key, "", ""][:2]
                return await self._entities.handle(request, query, name, key)
            case ["instances"]:
                return await self._all_instances(request, query)
            case ["instances", instance_id]:
                return await self._one_instance(request, query, instance_id)
            case ["instances", instance_id, operation] if request.method == "POST":
                return await self._instances.operate(request, query, instance_id, operation)
            case ["instances", instance_id, operation, event_name] if (
                operation.lower() == "raiseevent" and request.method == "POST"
            ):
                return await self._instances.raise_event(request, instance_id, event_name)
            case ["makeprimary"]:
                return empty_response(200)
        return empty_response(404)

    async def _all_instances(self, request: web.Request, query: QueryParameters) -> web.Response:
        if request.method == "GET":
            return await self._instances.list(request, query)
        if request.method == "DELETE":
            return await self._instances.purge_by(query)
        return empty_response(404)

    async def _one_instance(
        self, request: web.Request, query: QueryParameters, instance_id: str
    ) -> web.Response:
        if request.method == "GET":
            return await self._instances.status(request, query, instance_id)
        if request.method == "DELETE":
            return await self._instances.purge(instance_id)
        return empty_response(404)

    def _check_task_hub(self, query: QueryParameters) -> None:
        """This host has one task hub. A request for another hub must not get an answer from it."""
        asked = (query.text("taskHub") or "").strip()
        if asked and asked.lower() != self._hub_name.lower():
            raise ArgumentError(f"This host serves the task hub '{self._hub_name}', not '{asked}'.")
