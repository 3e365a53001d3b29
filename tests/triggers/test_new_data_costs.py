"""What an upload costs in the ledger: its count is one read and one write. A start by HTTP has no count."""

import asyncio
import json
from collections.abc import Iterator

import azure.functions as func
import pytest

from batch.new_data.settings import new_data
from batch.settings import app_settings
from ledger.rule_counts import rule_counts
from tests.batch.builders import ENDPOINT_URI
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import INVOCATION, functions
from triggers.http_api import bp as http_api
from triggers.new_data import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

NEW_DATA = functions(bp)["new_data"]
START = functions(http_api)["start_batch_run"]
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/mylake"
A_COUNT = 1


@pytest.fixture(autouse=True, params=["file", "folder"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    settings = {"CONTAINER": "incoming", "START": request.param, "TOPIC": TOPIC}
    for name, value in settings.items():
        monkeypatch.setenv(f"NEW_DATA_{name}", value)
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    for cached in (app_settings, new_data):
        cached.cache_clear()
    yield request.param
    for cached in (app_settings, new_data):
        cached.cache_clear()


def uploaded(number: int) -> str:
    event = {
        "id": f"event-{number}",
        "topic": TOPIC,
        "subject": f"/blobServices/default/containers/incoming/blobs/a/{number}.csv",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-31T00:00:00Z",
        "data": {"api": "PutBlob", "eTag": f"0x{number}", "contentLength": 5},
    }
    return json.dumps(event)


async def deliver(hub: TaskHub, *numbers: int) -> None:
    with hub.served():
        await asyncio.gather(
            *(NEW_DATA(event=uploaded(n), client=hub.binding, context=INVOCATION) for n in numbers)
        )


async def start(hub: TaskHub, run_id: str) -> None:
    body = {"run_id": run_id, "endpoint_input_uri": "azureml://datastores/d/paths/data/"}
    request = func.HttpRequest(
        method="POST", url="https://app/api/batch-runs", headers={}, params={}, body=json.dumps(body).encode()
    )
    with hub.served():
        assert (await START(req=request, client=hub.binding, context=INVOCATION)).status_code == 202


async def test_a_start_by_http_has_no_count(table: CountingTable) -> None:
    await start(TaskHub([]), "r-1")
    assert (table.reads, table.writes, table.queries) == (0, 1, 0)
    assert await rule_counts(table) == {}


async def test_an_upload_costs_one_read_and_one_write_more(table: CountingTable) -> None:
    await deliver(TaskHub([]), 1)
    assert (table.reads, table.writes, table.queries) == (A_COUNT, 1 + A_COUNT, 0)
    [count] = (await rule_counts(table)).values()
    assert count.count == 1


async def test_an_event_that_comes_again_is_not_counted_again(table: CountingTable) -> None:
    hub = TaskHub([])
    for _ in range(3):
        await deliver(hub, 1)
    [count] = (await rule_counts(table)).values()
    assert count.count == 1


async def test_the_count_names_the_upload_and_its_run(table: CountingTable, kind: str) -> None:
    hub = TaskHub([])
    await deliver(hub, 7)
    [count] = (await rule_counts(table)).values()
    assert count.last
    [instance] = hub.started
    assert (count.last.what, count.last.run_id) == ("incoming/a/7.csv", instance.removeprefix("window-"))
