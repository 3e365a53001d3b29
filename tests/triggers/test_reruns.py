"""The API of reruns: answers as for a start, and a part of the list in each call."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

from batch.errors import ErrorCode
from batch.settings import app_settings
from tests.batch.builders import ENDPOINT_URI
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.task_hub.test_reruns import ends
from tests.triggers.functions import INVOCATION, functions
from triggers.reruns import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

FUNCTIONS = functions(bp)


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    app_settings.cache_clear()
    yield
    app_settings.cache_clear()


async def ask(hub: TaskHub, function: str, path: str, run_id: str, sent: bytes, **params: str) -> Any:
    request = func.HttpRequest(
        method="POST",
        url=f"https://app/api/batch-runs/{path}",
        params=params,
        route_params={"run_id": run_id} if run_id else {},
        body=sent,
    )
    return await FUNCTIONS[function](req=request, client=hub.binding, context=INVOCATION)


async def rerun(hub: TaskHub, run_id: str = "r-1", sent: bytes = b"") -> tuple[func.HttpResponse, Any]:
    with hub.served():
        answer = await ask(hub, "rerun_run", f"{run_id}/rerun", run_id, sent)
    return answer, json.loads(answer.get_body())


async def rerun_many(hub: TaskHub, sent: bytes = b"", **params: str) -> tuple[int, Any]:
    with hub.served():
        answer = await ask(hub, "rerun_runs", "rerun", "", sent, **params)
    return answer.status_code, json.loads(answer.get_body())


async def test_a_rerun_is_answered_as_a_start(table: CountingTable, caplog: pytest.LogCaptureFixture) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    with caplog.at_level(logging.INFO):
        answer, links = await rerun(hub)
    assert (answer.status_code, links["id"]) == (202, "r-1.2")
    assert links["runUri"] == "https://app/api/batch-runs/r-1.2"
    assert links["cancelPostUri"] == "https://app/api/batch-runs/r-1.2/cancel"
    assert answer.headers["Location"].startswith(links["statusQueryGetUri"])
    assert answer.headers["Location"].endswith("returnInternalServerErrorOnFailure=true")
    assert "run" not in links
    assert f"run_started run=r-1.2 endpoint={ENDPOINT_URI} rerun_of=r-1" in caplog.text


async def test_two_posts_at_once_start_one_run_and_both_get_it(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    with hub.served():
        answers = await asyncio.gather(*(ask(hub, "rerun_run", "r-1/rerun", "r-1", b"") for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 202]
    assert {json.loads(answer.get_body())["id"] for answer in answers} == {"r-1.2"}
    assert hub.started == ["r-1.2"]


async def test_the_rerun_under_way_is_answered_with_its_view(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await rerun(hub)
    answer, links = await rerun(hub)
    assert (answer.status_code, links["id"], links["run"]["rerun_of"]) == (200, "r-1.2", "r-1")


async def test_an_uncertain_run_is_a_conflict_until_it_is_confirmed(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table, code=ErrorCode.SUBMISSION_UNCERTAIN)
    for sent in (b"", b"{}", b'{"confirm_no_job": false}'):
        answer, problem = await rerun(hub, sent=sent)
        assert (answer.status_code, problem["title"]) == (409, "The run goes on, or its job may")
        assert "Look for it in Azure ML Studio" in problem["detail"]
    answer, links = await rerun(hub, sent=b'{"confirm_no_job": true}')
    assert (answer.status_code, links["id"]) == (202, "r-1.2")


@pytest.mark.parametrize("run_id", ["unknown", "a/b", "a b", "?"])
async def test_an_unknown_run_is_not_found(table: CountingTable, run_id: str) -> None:
    hub = TaskHub([])
    with hub.served():
        answer = await ask(hub, "rerun_run", "x/rerun", run_id, b"")
    assert answer.status_code == 404


async def test_a_purged_request_is_gone(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    hub.instances.clear()
    answer, problem = await rerun(hub)
    assert (answer.status_code, problem["title"]) == (410, "The request is not kept any more")


async def test_a_wrong_body_starts_nothing(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    answer, problem = await rerun(hub, sent=b'{"confirm_no_job": "true"}')
    assert (answer.status_code, hub.started) == (400, [])
    assert problem["errors"] == [{"field": "confirm_no_job", "message": "must be true or false"}]


async def test_a_task_hub_that_does_not_answer_is_not_available(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    hub.failing.add("GET")
    answer, problem = await rerun(hub)
    assert answer.status_code == 503
    assert "task hub is not available" in problem["detail"]


async def test_many_are_run_again_in_one_call(table: CountingTable, caplog: pytest.LogCaptureFixture) -> None:
    hub = TaskHub([])
    for run_id in ("a", "b", "c"):
        await ends(hub, table, run_id)
    asked = {"dry_run": "true", "top": "2"}
    status, page = await rerun_many(hub, **asked)
    assert (status, page["dry_run"], hub.started) == (200, True, [])
    assert page["continuation"]
    with caplog.at_level(logging.INFO):
        status, page = await rerun_many(hub, prefix="b")
    assert (status, hub.started) == (200, ["b.2"])
    assert page == {
        "dry_run": False,
        "runs": [{"run_id": "b", "rerun_id": "b.2", "reason": None}],
        "continuation": None,
    }
    assert "run_started run=b.2" in caplog.text


async def test_a_wrong_filter_starts_nothing(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table, "a")
    for sent, params in ((b"", {"phase": "Completed"}), (b"{}", {}), (b"", {"tpo": "1"})):
        status, problem = await rerun_many(hub, sent, **params)
        assert (status, hub.started) == (400, [])
        assert problem["detail"].startswith("Nothing was started. ")
