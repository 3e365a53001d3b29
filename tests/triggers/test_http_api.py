"""The HTTP API with a task hub whose runs a killed host has left half written."""

import json
from typing import Any

import azure.functions as func
import pytest

from batch.api.continuation import Continuation
from batch.errors import ErrorCode
from batch.run.outcome import end_of
from batch.run.reason import reason_text
from tests.batch.builders import after, custom_status, failure, result, run
from tests.task_hub.task_hub import TaskHub, entity, instance
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
    request = func.HttpRequest(
        method="GET",
        url="https://app/api/batch-runs",
        params=params,
        route_params={"run_id": run_id},
        body=b"",
    )
    with hub.served():
        answer = await FUNCTIONS[function](req=request, client=hub.binding)
    return answer.status_code, json.loads(answer.get_body())


@pytest.mark.parametrize("runtime_status", ["Running", "ContinuedAsNew", "Pending"])
async def test_a_run_that_has_reported_its_outcome_has_ended(runtime_status: str) -> None:
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
    assert [(listed["run_id"], listed["phase"]) for listed in page["runs"]] == [("r-1", "Failed")]
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
    runtime_status: str, phase: str, output: object, state: str, status: object
) -> None:
    fields = {"runtimeStatus": runtime_status, "customStatus": status, "output": output, "input": state}
    hub = TaskHub([instance("r-1", **fields)])

    _, view = await call(hub, "get_run", "r-1")
    assert (view["phase"], view["job"]["name"], view["job"]["status"]) == (phase, "batchjob-1", phase)
    assert view["ended_at"]
    assert (await call(hub, "cancel_run", "r-1"))[0] == 409
    _, page = await call(hub, "list_all_runs")
    [listed] = page["runs"]
    assert (listed["phase"], listed["ended_at"], listed["error"]) == (phase, view["ended_at"], view["error"])


async def test_the_continuation_leads_through_the_list_and_must_come_from_a_page() -> None:
    ids = [f"r-{number}" for number in range(5)]
    hub = TaskHub([*map(instance, ids), *(entity("submission", run_id, {}) for run_id in ids)])

    status, first = await call(hub, "list_all_runs", top="3")
    assert (status, [view["run_id"] for view in first["runs"]]) == (200, ids[:3])
    _, last = await call(hub, "list_all_runs", top="3", continuation=first["continuation"])
    assert ([view["run_id"] for view in last["runs"]], last["continuation"]) == (ids[3:], None)
    for refused in ("made-up", "ci0z ", first["continuation"][:-1]):
        status, problem = await call(hub, "list_all_runs", continuation=refused)
        assert (status, problem["detail"]) == (400, "continuation: was not given by a page of this list")


@pytest.mark.parametrize("unknown_token", [200, 400])
async def test_a_continuation_of_a_task_hub_that_was_deleted_is_an_empty_last_page(
    unknown_token: int,
) -> None:
    hub = TaskHub([instance("r-1")], unknown_token=unknown_token)
    place = Continuation("Z29uZQ== ", "gone")
    status, page = await call(hub, "list_all_runs", continuation=place.encode())
    assert (status, page) == (200, {"runs": [], "continuation": None})
