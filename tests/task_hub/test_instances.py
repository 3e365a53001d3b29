"""Failures of the task hub, which the SDK's client hides: the real client, and a real server that fails."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import azure.durable_functions as df
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.durable_functions.models.utils import http_utils

from batch.api.run_query import RunQuery
from batch.errors import ErrorCode, RunError
from task_hub.instances import instance_status
from task_hub.runs import find_run, list_runs, nudge

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

Serve = Callable[[int, object], Awaitable[df.DurableOrchestrationClient]]

TROUBLE = {
    "Message": "Something went wrong while processing your request",
    "ExceptionMessage": "The storage account is not reachable",
    "ExceptionType": "System.Exception",
    "StackTrace": "",
}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[TestServer] = []

    async def start(status: int, body: object) -> df.DurableOrchestrationClient:
        async def answer(request: web.Request) -> web.Response:
            text = json.dumps(body) if body is not None else ""
            return web.Response(status=status, text=text, content_type="application/json")

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        binding = {"taskHubName": "h", "creationUrls": {}, "managementUrls": {"id": "INSTANCEID"}}
        return df.DurableOrchestrationClient(json.dumps({**binding, "rpcBaseUrl": str(server.make_url("/"))}))

    yield start
    await http_utils._close_session()
    for server in servers:
        await server.close()


async def test_a_missing_instance_is_none(serve: Serve) -> None:
    client = await serve(404, None)

    assert await instance_status(client, "x") is None
    assert await find_run(client, "x") is None
    assert await nudge(client, "x") is False


async def test_a_task_hub_that_fails_is_not_a_missing_instance(serve: Serve) -> None:
    client = await serve(500, TROUBLE)

    for call in (instance_status(client, "x"), find_run(client, "x"), nudge(client, "x")):
        with pytest.raises(RunError, match="task hub is not available") as raised:
            await call
        assert raised.value.code == ErrorCode.SERVICE_UNAVAILABLE


async def test_a_list_from_a_task_hub_that_fails_is_an_error(serve: Serve) -> None:
    client = await serve(500, TROUBLE)

    with pytest.raises(RunError, match="answered 500"):
        await list_runs(client, RunQuery())
