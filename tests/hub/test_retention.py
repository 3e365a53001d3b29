"""Purging against a real client and a server that stands for the task hub: one refusal stops nothing."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import azure.durable_functions as df
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.durable_functions.models.utils import http_utils

from batch.function_names import BATCH_RUN
from hub.retention import purge_ended_before

BEFORE = datetime(2026, 2, 1, tzinfo=UTC)


class Hub:
    """Ended runs, of which one can not be purged."""

    def __init__(self, *run_ids: str, stuck: str) -> None:
        self.left = list(run_ids)
        self._stuck = stuck

    async def list(self, request: web.Request) -> web.Response:
        ended = {
            "name": BATCH_RUN,
            "runtimeStatus": "Completed",
            "customStatus": None,
            "createdTime": "2026-01-31T12:00:00Z",
            "lastUpdatedTime": "2026-01-31T12:30:00.1234567Z",
        }
        return web.json_response([{**ended, "instanceId": run_id} for run_id in self.left])

    async def purge(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name == self._stuck:
            return web.json_response({"Message": "It is locked."}, status=500)
        if name in self.left:
            self.left.remove(name)
        return web.json_response({"instancesDeleted": 1})


@pytest.fixture
async def hub() -> AsyncIterator[tuple[Hub, df.DurableOrchestrationClient]]:
    hub = Hub("r-1", "r-2", "r-3", stuck="r-1")
    application = web.Application()
    application.router.add_get("/instances/", hub.list)
    application.router.add_delete("/instances/{id}", hub.purge)
    server = TestServer(application)
    await server.start_server()
    binding = {"taskHubName": "h", "creationUrls": {}, "managementUrls": {"id": "INSTANCEID"}}
    yield (
        hub,
        df.DurableOrchestrationClient(json.dumps({**binding, "rpcBaseUrl": str(server.make_url("/"))})),
    )
    await http_utils._close_session()
    await server.close()


async def test_an_instance_that_can_not_be_purged_keeps_no_other(
    hub: tuple[Hub, df.DurableOrchestrationClient], caplog: pytest.LogCaptureFixture
) -> None:
    task_hub, client = hub
    assert await purge_ended_before(client, BEFORE, limit=100) == 2
    assert task_hub.left == ["r-1"]
    [line] = [record.getMessage() for record in caplog.records if record.name == "hub.retention"]
    assert line.startswith("history_not_purged instance=r-1 reason=")
