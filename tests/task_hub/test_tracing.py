import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest
from aiohttp import web
from azure.durable_functions.models.utils import http_utils

from task_hub.tracing import trace_of

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Extension:
    """The server to which the SDK sends the orchestrations that it starts."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def start(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response({"id": "one"}, status=202)


@pytest.fixture
async def extension() -> AsyncIterator[Extension]:
    extension = Extension()
    application = web.Application()
    application.router.add_post("/orchestrators/{name}/{id}", extension.start)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    extension.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield extension
    await http_utils._close_session()
    await runner.cleanup()


def client(extension: Extension) -> df.DurableOrchestrationClient:
    binding = {
        "taskHubName": "hub",
        "creationUrls": {},
        "managementUrls": {},
        "baseUrl": extension.url,
        "requiredQueryStringParameters": "",
        "rpcBaseUrl": extension.url,
    }
    return df.DurableOrchestrationClient(json.dumps(binding))


def invocation(traceparent: str | None, tracestate: str | None = None) -> Any:
    return SimpleNamespace(trace_context=SimpleNamespace(trace_parent=traceparent, trace_state=tracestate))


async def test_a_started_run_belongs_to_the_trace_of_its_request(extension: Extension) -> None:
    with trace_of(invocation(TRACE, "vendor=1")):
        await client(extension).start_new("batch_run", "one")
    await client(extension).start_new("batch_run", "one")

    traced, untraced = extension.headers
    assert (traced["traceparent"], traced["tracestate"]) == (TRACE, "vendor=1")
    assert "traceparent" not in untraced


@pytest.mark.parametrize("broken", [None, "", "nonsense"])
async def test_without_a_trace_the_run_starts_too(extension: Extension, broken: str | None) -> None:
    with trace_of(invocation(broken)):
        await client(extension).start_new("batch_run", "one")
    assert "traceparent" not in extension.headers[0]
