"""Failures of the task hub, which the SDK's client hides: the real client, and a real server that fails."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import azure.durable_functions as df
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.durable_functions.models.utils import http_utils

from batch.errors import ErrorCode, RunError
from batch.names import BATCH_RUN
from task_hub.instances import instance_status, instances_page, start_instance
from task_hub.known_runs import find_run
from task_hub.runs import NotARun, find_in_hub, nudge
from tests.batch.builders import run
from tests.task_hub.task_hub import TROUBLE, TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

Serve = Callable[[int, object], Awaitable[df.DurableOrchestrationClient]]

ENDED = ("Canceled", "Completed", "Failed", "Terminated")
ALL = {"top": "2", "showInput": "false"}


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


async def test_a_page_from_a_task_hub_that_fails_is_an_error(serve: Serve) -> None:
    client = await serve(500, TROUBLE)

    for token in (None, "Yw== "):
        with pytest.raises(RunError, match="answered 500") as raised:
            await instances_page(client, ALL, token)
        assert raised.value.code == ErrorCode.SERVICE_UNAVAILABLE


async def test_a_task_hub_that_is_not_there_is_an_error() -> None:
    with TaskHub([]).served() as client:
        pass
    with pytest.raises(RunError, match="gave no answer when asked for its instances"):
        await instances_page(client, ALL, None)


async def test_the_token_of_the_task_hub_is_sent_back_unchanged() -> None:
    """Entities come first, and a token may end with a space."""
    hub = TaskHub([*map(instance, ["a", "b", "c", "d"]), entity("submission", "x")])
    pages, token = [], None
    with hub.served() as client:
        while True:
            page, token = await instances_page(client, ALL, token)
            pages.append([one["instanceId"] for one in page])
            if token is None:
                break
    assert pages == [["@submission@x", "a"], ["b", "c"], ["d"]]
    assert hub.list_tokens == [None, "Yg== ", "ZA== "]


@pytest.mark.parametrize("status", [200, 400])
async def test_a_token_that_the_task_hub_does_not_know_leads_to_an_empty_last_page(status: int) -> None:
    with TaskHub([instance("a")], unknown_token=status).served() as client:
        assert await instances_page(client, ALL, "Z29uZQ== ") == ([], None)


async def test_an_instance_is_started_once() -> None:
    hub = TaskHub([])
    with hub.served() as client:
        assert await start_instance(client, BATCH_RUN, "r-1", {})
        assert not await start_instance(client, BATCH_RUN, "r-1", {})
    assert hub.started == ["r-1"]


@pytest.mark.parametrize("runtime_status", ENDED)
async def test_an_instance_that_has_ended_is_not_replaced(runtime_status: str) -> None:
    """The task hub itself would do so."""
    hub = TaskHub([instance("r-1", runtimeStatus=runtime_status)])
    with hub.served() as client:
        assert not await start_instance(client, BATCH_RUN, "r-1", {})
    assert (hub.started, hub.instances["r-1"]["runtimeStatus"]) == ([], runtime_status)


async def test_a_start_that_is_refused_is_an_error() -> None:
    hub = TaskHub([])
    hub.failing.add("POST")
    with hub.served() as client, pytest.raises(RunError, match="it did not start r-1"):
        await start_instance(client, BATCH_RUN, "r-1", {})


async def test_a_start_that_comes_back_as_an_error_has_happened_if_the_instance_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = TaskHub([])
    start = hub.start

    def start_and_lose_the_answer(name: str, instance_id: str, value: object) -> tuple[int, object]:
        start(name, instance_id, value)
        return 500, TROUBLE

    monkeypatch.setattr(hub, "start", start_and_lose_the_answer)
    with hub.served() as client:
        assert await start_instance(client, BATCH_RUN, "r-1", {})
    assert hub.started == ["r-1"]


@pytest.mark.parametrize(
    "other",
    [
        instance("r-1", name="new_data_window"),
        instance("r-1", input="of another version"),
        instance("r-1", input=None),
    ],
    ids=["another orchestration", "another input", "no input"],
)
async def test_an_instance_that_is_no_run_is_not_taken_for_one(other: dict[str, object]) -> None:
    with TaskHub([other]).served() as client:
        with pytest.raises(NotARun):
            await find_in_hub(client, "r-1")
        assert not await nudge(client, "r-1")


async def test_the_request_of_a_run_is_read_only_where_it_is_asked_for() -> None:
    state = run(status="Running")
    with TaskHub([instance("r-1", input=json.dumps(state.to_json()))]).served() as client:
        whole = await find_in_hub(client, "r-1")
        listed = await find_in_hub(client, "r-1", with_request=False)
    assert whole and listed
    assert (whole.fingerprint, listed.fingerprint) == (state.request.fingerprint(), "")
    assert "request" in whole.view
    assert "request" not in listed.view
