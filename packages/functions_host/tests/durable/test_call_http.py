"""The built-in HTTP activity behind call_http."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.durable_functions import ManagedIdentityTokenSource

from functions_host.durable.events import EventType
from functions_host.durable.states import RuntimeStatus
from packages.functions_host.tests.durable.conftest import Host
from packages.functions_host.tests.durable.sdk_worker import output


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    polls = 0

    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"method": request.method, "body": await request.text()}, status=201)

    async def slow(request: web.Request) -> web.Response:
        nonlocal polls
        polls += 1
        if polls == 1:
            assert request.method == "POST"
            return web.Response(status=202, headers={"Location": str(request.url), "Retry-After": "7"})
        if polls == 2:
            assert request.method == "GET"
            return web.Response(status=202, headers={"Location": str(request.url)})
        return web.Response(text="finished")

    application = web.Application()
    application.router.add_route("*", "/echo", echo)
    application.router.add_route("*", "/slow", slow)
    async with TestServer(application) as server:
        yield server


@pytest.fixture(autouse=True)
def calls(host: Host) -> None:
    @host.worker.orchestrator
    def calls(context):
        method, url, content = context.get_input()
        return (yield context.call_http(method, url, content))


async def test_an_answer_is_status_headers_and_content(host: Host, server: TestServer) -> None:
    result = output(await host.run("calls", ["POST", str(server.make_url("/echo")), {"a": 1}]))

    assert result["statusCode"] == 201
    assert result["headers"]["Content-Type"].startswith("application/json")
    assert json.loads(result["content"]) == {"method": "POST", "body": '{"a": 1}'}


async def test_the_host_polls_a_202_with_timers_while_the_sdk_has_its_answer(
    host: Host, server: TestServer
) -> None:
    """The SDK uses the first answer as the result; the instance ends when the host ends its polling."""
    state = await host.run("calls", ["POST", str(server.make_url("/slow")), None])
    events = await host.hub.history(state.instance_id)
    fire_times = [event["FireAt"][14:19] for event in events if event["EventType"] == EventType.TIMER_CREATED]

    assert output(state)["statusCode"] == 202
    assert fire_times == ["00:07", "00:37"]
    assert [e["EventId"] for e in events if e["EventType"] == EventType.TASK_SCHEDULED] == [0, 2, 4]


async def test_no_answer_is_a_failure_of_the_call(host: Host) -> None:
    state = await host.run("calls", ["GET", "http://127.0.0.1:9/nobody", None])

    assert state.runtime_status == RuntimeStatus.FAILED
    assert "HttpRequestException: http://127.0.0.1:9/nobody" in output(state)


async def test_a_token_source_is_refused_with_a_reason(host: Host) -> None:
    @host.worker.orchestrator
    def orch(context):
        source = ManagedIdentityTokenSource("https://management.azure.com")
        yield context.call_http("GET", "http://127.0.0.1:9/", token_source=source)

    assert "call_http with a token source needs Azure" in output(await host.run("orch"))
