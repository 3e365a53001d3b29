"""The HTTP API over a ledger and a task hub, some of whose runs a killed host has left half written."""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from batch.api.continuation import encode_continuation
from batch.errors import ErrorCode
from batch.names import NUDGE
from batch.run.outcome import end_of
from batch.run.reason import reason_text
from batch.settings import app_settings
from ledger.run_row import place_of
from ledger.runs import find_row
from tests.batch.builders import (
    ENDPOINT_URI,
    START,
    WORKSPACE_ID,
    after,
    body,
    custom_status,
    failure,
    result,
    run,
)
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, ended, found, of_folder
from tests.task_hub.task_hub import TaskHub, instance
from tests.triggers.functions import functions
from triggers.http_api import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

FUNCTIONS = functions(bp)
FAILED = run(status="Failed")
COMPLETED = run(status="Completed", checks=3)
REPORTED = custom_status(FAILED, end=end_of(FAILED, after(60)), ended_at=after(60))
# The input of the execution that raises.
STATE_WITH_FAILURE = json.dumps(FAILED.failed(failure(ErrorCode.JOB_FAILED)).to_json())
REASON = f"Orchestrator function 'batch_run' failed: {reason_text('It failed.', ErrorCode.JOB_FAILED)}"


async def call(hub: TaskHub, function: str, run_id: str = "", **params: str) -> tuple[int, Any]:
    return await send(hub, function, run_id, params=params)


async def post(hub: TaskHub, **fields: Any) -> tuple[int, Any]:
    invocation = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=None, trace_state=None))
    return await send(hub, "start_batch_run", sent=json.dumps(body(**fields)).encode(), context=invocation)


async def send(
    hub: TaskHub,
    function: str,
    run_id: str = "",
    *,
    params: dict[str, str] | None = None,
    sent: bytes = b"",
    **arguments: object,
) -> tuple[int, Any]:
    request = func.HttpRequest(
        method="POST" if sent else "GET",
        url="https://app/api/batch-runs",
        params=params or {},
        route_params={"run_id": run_id},
        body=sent,
    )
    with hub.served():
        answer = await FUNCTIONS[function](req=request, client=hub.binding, **arguments)
    return answer.status_code, json.loads(answer.get_body())


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    app_settings.cache_clear()
    yield
    app_settings.cache_clear()


async def test_of_many_same_posts_at_once_one_is_accepted(table: CountingTable) -> None:
    hub = TaskHub([])
    invocation = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=None, trace_state=None))
    with hub.served():

        async def start(timeout: int) -> int:
            sent = json.dumps(body(run_id="r-1", timeout=timeout)).encode()
            request = func.HttpRequest(method="POST", url="https://app/api/batch-runs", body=sent)
            answer = await FUNCTIONS["start_batch_run"](req=request, client=hub.binding, context=invocation)
            return int(answer.status_code)

        answers = await asyncio.gather(*(start(60) for _ in range(6)))
        others = await asyncio.gather(*(start(61) for _ in range(3)))
    assert sorted(answers) == [200] * 5 + [202]
    assert others == [409] * 3
    assert hub.started == ["r-1"]


async def test_a_start_that_the_task_hub_refuses_is_made_by_the_same_post_again(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    hub.failing.add("POST")
    status, problem = await post(hub, run_id="r-1")
    assert status == 503
    assert "task hub is not available" in problem["detail"]
    hub.failing.clear()
    status, answer = await post(hub, run_id="r-1")
    assert (status, answer["run"]["run_id"], answer["run"]["phase"]) == (200, "r-1", "Pending")
    assert hub.started == ["r-1"]


async def test_an_id_that_something_else_has_is_refused(table: CountingTable) -> None:
    hub = TaskHub([instance("window-1", name="new_data_window")])
    assert (await post(hub, run_id="window-1"))[0] == 409
    assert await find_row(table, "window-1") is None
    assert (await call(hub, "get_run", "window-1"))[0] == 404
    assert (await call(hub, "list_all_runs"))[1]["runs"] == []


async def test_a_cancel_is_recorded_and_wakes_the_run(table: CountingTable) -> None:
    await added(table)
    state = json.dumps(run(status="Running").to_json())
    hub = TaskHub([instance("r-1", runtimeStatus="Running", customStatus={"phase": "Running"}, input=state)])
    assert (await call(hub, "cancel_run", "r-1"))[0] == 202
    assert (await found(table)).submission.cancel_requested
    assert hub.posted == [f"/instances/r-1/raiseEvent/{NUDGE}"]


async def test_a_run_that_is_still_to_be_started_can_be_canceled(table: CountingTable) -> None:
    await added(table)
    hub = TaskHub([])
    assert (await call(hub, "cancel_run", "r-1"))[0] == 202
    assert (await found(table)).submission.cancel_requested
    status, view = await call(hub, "get_run", "r-1")
    assert (status, view["phase"]) == (200, "Pending")


async def test_the_list_has_its_filters(table: CountingTable) -> None:
    await added(table, "a", START, of_folder("incoming", "Größe/1/"))
    await ended(table, "b", "Failed", after(1))
    hub = TaskHub([instance("a", runtimeStatus="Running", customStatus={"phase": "Queued"})])

    async def ids(**params: str) -> list[str]:
        _, page = await call(hub, "list_all_runs", **params)
        return [view["run_id"] for view in page["runs"]]

    assert await ids() == ["b", "a"]
    assert await ids(source="incoming/Größe/") == ["a"]
    assert await ids(endpoint=ENDPOINT_URI, started_from="2026-01-31T12:00:00.001Z") == ["b"]
    assert await ids(phase="Failed", prefix="a") == []


@pytest.mark.parametrize("runtime_status", ["Running", "ContinuedAsNew", "Pending"])
@pytest.mark.parametrize("in_ledger", [True, False])
async def test_a_run_that_has_reported_its_outcome_has_ended(
    table: CountingTable, runtime_status: str, in_ledger: bool
) -> None:
    if in_ledger:
        await added(table)
    hub = TaskHub(
        [instance("r-1", runtimeStatus=runtime_status, customStatus=REPORTED, input=STATE_WITH_FAILURE)]
    )

    status, view = await call(hub, "get_run", "r-1")
    assert (status, view["phase"], view["runtime_status"]) == (200, "Failed", runtime_status)
    assert (view["ended_at"], view["next_check_at"]) == ("2026-01-31T12:01:00.000Z", None)
    status, problem = await call(hub, "cancel_run", "r-1")
    assert (status, problem["detail"]) == (409, "Run r-1 has already ended: Failed.")
    assert hub.posted == []
    _, page = await call(hub, "list_all_runs")
    expected = [("r-1", "Failed")] if in_ledger else []
    assert [(listed["run_id"], listed["phase"]) for listed in page["runs"]] == expected
    _, page = await call(hub, "list_all_runs", phase="Running,Pending")
    assert page["runs"] == []


@pytest.mark.parametrize("status", [None, custom_status(run(status="Running"), next_check_at=after(180))])
@pytest.mark.parametrize(
    ("runtime_status", "phase", "output", "state"),
    [
        ("Completed", "Completed", result(COMPLETED, after(60)), json.dumps(run().to_json())),
        ("Failed", "Failed", REASON, STATE_WITH_FAILURE),
    ],
)
async def test_a_run_whose_custom_status_is_lost_is_shown_as_it_ended(
    table: CountingTable, runtime_status: str, phase: str, output: object, state: str, status: object
) -> None:
    await added(table)
    fields = {"runtimeStatus": runtime_status, "customStatus": status, "output": output, "input": state}
    hub = TaskHub([instance("r-1", **fields)])

    _, view = await call(hub, "get_run", "r-1")
    assert (view["phase"], view["job"]["name"], view["job"]["status"]) == (phase, "batchjob-1", phase)
    assert view["ended_at"]
    assert (await call(hub, "cancel_run", "r-1"))[0] == 409
    ended = (phase, view["ended_at"], view["error"])
    _, page = await call(hub, "list_all_runs")
    [listed] = page["runs"]
    assert (listed["phase"], listed["ended_at"], listed["error"]) == ended
    # That list has written the end into the ledger, with what the input tells besides.
    hub.instances.clear()
    _, page = await call(hub, "list_all_runs")
    [listed] = page["runs"]
    assert (listed["phase"], listed["ended_at"], listed["error"]) == ended
    assert (listed["job"], listed["endpoint_uri"]) == (view["job"], view["endpoint_uri"])


async def test_where_access_is_denied_the_run_has_the_command_that_gives_the_role(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_ML_WORKSPACE_ID", WORKSPACE_ID)
    app_settings.cache_clear()
    identity: Any = {"object_id": "51ff558b-3b53-46f8-8bbc-c71daa68b8bb"}
    denied = run(status=None, identity=identity, problem=failure(ErrorCode.ACCESS_DENIED))
    await added(table)
    state = json.dumps(denied.to_json())
    hub = TaskHub([instance("r-1", runtimeStatus="Running", customStatus=custom_status(denied), input=state)])
    _, view = await call(hub, "get_run", "r-1")
    assert view["problem"]["command"].startswith("az role assignment create ")
    _, page = await call(hub, "list_all_runs")
    assert page["runs"][0]["problem"]["command"] == view["problem"]["command"]
    assert WORKSPACE_ID in view["problem"]["command"]


async def test_the_continuation_leads_through_the_list_and_must_come_from_a_page(
    table: CountingTable,
) -> None:
    ids = [f"r-{number}" for number in range(5)]
    for number, run_id in enumerate(ids):
        await ended(table, run_id, "Completed", after(-number))
    hub = TaskHub([])

    status, first = await call(hub, "list_all_runs", top="3")
    assert (status, [view["run_id"] for view in first["runs"]]) == (200, ids[:3])
    _, last = await call(hub, "list_all_runs", top="3", continuation=first["continuation"])
    assert ([view["run_id"] for view in last["runs"]], last["continuation"]) == (ids[3:], None)
    for refused in ("made-up", "ci0z ", first["continuation"][:-1]):
        status, problem = await call(hub, "list_all_runs", continuation=refused)
        assert (status, problem["detail"]) == (400, "continuation: was not given by a page of this list")


async def test_a_continuation_behind_the_last_run_is_an_empty_last_page(table: CountingTable) -> None:
    """The runs that followed were purged meanwhile."""
    await ended(table, "r-1", "Completed")
    place = encode_continuation(place_of("gone", after(-60)))
    status, page = await call(TaskHub([]), "list_all_runs", continuation=place)
    assert (status, page) == (200, {"runs": [], "continuation": None})
