"""Two ways to the management API: with the attribute of the SDK's client that is not public, and without it."""

import json
import logging
from datetime import UTC, datetime

import pytest

from batch.errors import RunError
from ledger.runs import find_row
from task_hub.instances import instances_page
from task_hub.management_api import management_api
from task_hub.rebuild import Rebuilt, rebuild_part
from task_hub.retention import purge_ended_before
from tests.batch.builders import run
from tests.ledger.counting_table import CountingTable
from tests.task_hub.public_client import PublicClient
from tests.task_hub.task_hub import KEY, TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

ALL = {"top": "2", "showInput": "false"}
STATE = json.dumps(run(status="Running").to_json())


def test_the_address_inside_of_the_host_needs_no_key() -> None:
    hub = TaskHub([])
    with hub.served() as client:
        api = management_api(client)
        assert api.instances == f"{json.loads(hub.binding)['rpcBaseUrl']}instances/"
    assert (api.hub_name, api.params, api.headers) == ("h", {}, {})


def test_without_the_attribute_the_address_is_that_of_callers() -> None:
    hub = TaskHub([])
    with hub.served():
        api = management_api(PublicClient(hub.binding))
        assert api.instances == f"{json.loads(hub.binding)['rpcBaseUrl']}instances/"
    assert (api.hub_name, api.params) == ("h", {"taskHub": "h", "connection": "Storage"})
    assert api.headers == {"x-functions-key": KEY}
    assert KEY not in repr(api)


@pytest.mark.parametrize("rpc_base_url", [None, ""])
def test_a_host_that_names_no_address_of_its_own_is_asked_at_that_of_callers(
    rpc_base_url: str | None,
) -> None:
    hub = TaskHub([])
    with hub.served() as client:
        binding = {**json.loads(hub.binding), "rpcBaseUrl": rpc_base_url}
        api = management_api(type(client)(json.dumps(binding)))
        assert api == management_api(PublicClient(hub.binding))


async def test_both_ways_list_the_same_in_pages() -> None:
    hub = TaskHub([*map(instance, ["a", "b", "c"])])

    async def listed(client: object) -> list[str]:
        first, token = await instances_page(client, ALL, None)
        rest, end = await instances_page(client, ALL, token)
        assert end is None
        return [one["instanceId"] for one in [*first, *rest]]

    with hub.served() as client:
        assert await listed(client) == await listed(PublicClient(hub.binding)) == ["a", "b", "c"]
    assert hub.list_keys == [(None, None)] * 2 + [(KEY, "h")] * 2


async def test_without_the_attribute_runs_are_added_to_the_ledger_and_purged(table: CountingTable) -> None:
    hub = TaskHub([instance("r-1", input=STATE)])
    with hub.served():
        client = PublicClient(hub.binding)
        assert await rebuild_part(client, None) == Rebuilt(instances=1, added=1, continuation=None)
        assert await find_row(table, "r-1")
        assert await purge_ended_before(client, datetime(2026, 2, 1, tzinfo=UTC), limit=10) == 1
    assert (hub.instances, await find_row(table, "r-1")) == ({}, None)


@pytest.mark.parametrize("failing", ["refused", "gone"])
async def test_the_key_is_in_no_log_and_in_no_error(failing: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # The app keeps it from logging addresses. They must hold no key all the same.
    caplog.set_level(logging.DEBUG, logger="urllib3.connectionpool")
    hub = TaskHub([])
    hub.failing.add("GET")
    with hub.served():
        client = PublicClient(hub.binding)
        if failing == "refused":
            with pytest.raises(RunError, match="answered 500") as raised:
                await instances_page(client, ALL, None)
    if failing == "gone":
        with pytest.raises(RunError, match="gave no answer when asked for its instances") as raised:
            await instances_page(client, ALL, None)
    assert caplog.text  # of the HTTP library, which logs addresses
    assert KEY not in caplog.text + str(raised.value) + repr(raised.value)
