"""The addresses that the app gives, with and without PUBLIC_BASE_URL and DURABLE_MANAGEMENT_URLS."""

import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

from batch.settings import app_settings
from tests.batch.builders import ENDPOINT_URI, body
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import INVOCATION, functions
from triggers import http_api, openapi
from triggers.own_address import api_root

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

START = functions(http_api.bp)["start_batch_run"]
CANCEL = functions(http_api.bp)["cancel_run"]
OWN = "https://my-app.azurewebsites.net"
FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "https://evil.example/api/batch-runs",
    "Forwarded": "host=evil.example;proto=http",
}
LEADING = ["id", "runUri", "cancelPostUri", "statusQueryGetUri"]


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    app_settings.cache_clear()
    yield
    app_settings.cache_clear()


async def start(hub: TaskHub, **headers: str) -> func.HttpResponse:
    sent = json.dumps(body(run_id="r-1")).encode()
    request = func.HttpRequest(method="POST", url=f"{OWN}/api/batch-runs", headers=headers, body=sent)
    with hub.served():
        answer: func.HttpResponse = await START(req=request, client=hub.binding, context=INVOCATION)
    return answer


def links_of(answer: func.HttpResponse) -> dict[str, Any]:
    links: dict[str, Any] = json.loads(answer.get_body())
    return links


async def test_the_answer_leads_with_what_people_need_and_gives_nothing_that_ends_an_orchestration(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    first = await start(hub)
    assert (first.status_code, list(links_of(first))) == (202, LEADING)
    again = await start(hub)
    assert (again.status_code, list(links_of(again))) == (200, [*LEADING, "run"])
    assert "Location" not in again.headers
    request = func.HttpRequest(
        method="POST", url=f"{OWN}/api/batch-runs/r-1/cancel", route_params={"run_id": "r-1"}, body=b""
    )
    with hub.served():
        canceled = await CANCEL(req=request, client=hub.binding)
    assert links_of(canceled) == links_of(first)


async def test_the_location_of_a_202_fails_if_the_run_does(table: CountingTable) -> None:
    answer = await start(TaskHub([]))
    status_uri = links_of(answer)["statusQueryGetUri"]
    assert answer.headers["Location"] == f"{status_uri}&returnInternalServerErrorOnFailure=true"
    assert "returnInternalServerErrorOnFailure" not in status_uri


async def test_forwarded_headers_are_not_believed(table: CountingTable) -> None:
    answer = await start(TaskHub([]), **FORWARDED)
    addresses = [answer.headers["Location"], *(links_of(answer)[name] for name in LEADING[1:])]
    assert all(address.startswith(f"{OWN}/") for address in addresses)


@pytest.mark.parametrize("base", ["https://front.example", "https://front.example/scoring"])
async def test_behind_a_gateway_all_addresses_begin_as_the_setting_says(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("PUBLIC_BASE_URL", base)
    monkeypatch.setenv("DURABLE_MANAGEMENT_URLS", "true")
    answer = await start(TaskHub([]), **FORWARDED)
    links = links_of(answer)
    assert list(links)[:4] == LEADING
    assert links["runUri"] == f"{base}/api/batch-runs/r-1"
    assert links["cancelPostUri"] == f"{base}/api/batch-runs/r-1/cancel"
    assert links["statusQueryGetUri"].startswith(f"{base}/instances/r-1?")
    assert answer.headers["Location"].startswith(links["statusQueryGetUri"])


def test_the_openapi_document_names_the_public_server(monkeypatch: pytest.MonkeyPatch) -> None:
    request = func.HttpRequest(
        method="GET", url=f"{OWN}/api/openapi.json?a=/openapi.json", headers=FORWARDED, body=b""
    )

    def server() -> str:
        app_settings.cache_clear()
        answer = openapi.get_openapi.build().get_user_function()(request)
        url: str = json.loads(answer.get_body())["servers"][0]["url"]
        return url

    assert server() == f"{OWN}/api"
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://front.example/scoring/")
    assert server() == "https://front.example/scoring/api"


@pytest.mark.parametrize(
    ("request_url", "root"),
    [
        ("https://batch-runs/api/batch-runs", "https://batch-runs/api"),
        ("https://a.example/api/batch-runs/batch-runs/cancel", "https://a.example/api"),
        ("http://127.0.0.1:7071/api/batch-runs?code=x", "http://127.0.0.1:7071/api"),
        ("https://a.example/batch-runs/r-1", "https://a.example"),
    ],
)
def test_the_root_of_the_api_is_what_comes_before_the_route(request_url: str, root: str) -> None:
    assert api_root(request_url, http_api.ROUTE) == root
