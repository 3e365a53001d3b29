"""Which run an event wakes: the owner of the job in the ledger, or in an entity of an earlier version."""

import json

import pytest

from batch.names import NUDGE
from ledger.job_owners import own_job
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added
from tests.task_hub.task_hub import TaskHub, entity, instance
from tests.triggers.functions import functions
from triggers.job_events import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

JOB_EVENTS = functions(bp)["job_events"]
MOVED = {
    "id": "event-1",
    "data": {"runId": "batchjob-1", "runType": "azureml.PipelineRun", "runStatus": "Completed"},
    "topic": "/subscriptions/s",
    "subject": "experiments/e/runs/batchjob-1",
    "eventType": "Microsoft.MachineLearningServices.RunStatusChanged",
    "eventTime": "2026-01-31T12:00:00Z",
    "dataVersion": "1.0",
}
RUNNING = instance("r-1", runtimeStatus="Running", customStatus={"phase": "Running"})
LOST = {"phase": "Failed", "error": {"code": "job_failed", "message": "It failed."}}


async def woken(hub: TaskHub, **fields: object) -> list[str]:
    with hub.served():
        await JOB_EVENTS(event=json.dumps(MOVED | fields), client=hub.binding)
    return hub.posted


async def test_the_run_that_owns_the_job_is_woken_without_a_look_at_entities(table: CountingTable) -> None:
    await own_job(table, await added(table), "batchjob-1")
    hub = TaskHub([RUNNING, entity("job_owner", "batchjob-1", "r-2")])
    assert await woken(hub) == [f"/instances/r-1/raiseEvent/{NUDGE}"]
    assert hub.asked == ["r-1"]


@pytest.mark.parametrize("time", ["yesterday", 5, None, ""])
async def test_the_time_of_the_event_does_not_matter(table: CountingTable, time: object) -> None:
    await own_job(table, await added(table), "batchjob-1")
    assert await woken(TaskHub([RUNNING]), eventTime=time) == [f"/instances/r-1/raiseEvent/{NUDGE}"]


async def test_the_run_of_another_job_is_not_woken(table: CountingTable) -> None:
    await own_job(table, await added(table), "batchjob-2")
    assert await woken(TaskHub([RUNNING])) == []


async def test_the_owner_of_a_job_may_have_no_orchestration_any_more(table: CountingTable) -> None:
    await own_job(table, await added(table), "batchjob-1")
    assert await woken(TaskHub([])) == []


async def test_the_run_of_an_earlier_version_that_owns_the_job_is_woken() -> None:
    assert await woken(TaskHub([RUNNING, entity("job_owner", "batchjob-1", "r-1")])) == [
        f"/instances/r-1/raiseEvent/{NUDGE}"
    ]


async def test_an_event_of_a_job_without_an_owner_wakes_no_run() -> None:
    assert await woken(TaskHub([RUNNING])) == []


async def test_an_event_of_a_job_whose_owner_was_released_wakes_no_run() -> None:
    """The task hub shows it as an entity that exists, with the state null."""
    nobody = instance("None", runtimeStatus="Running")
    assert await woken(TaskHub([RUNNING, nobody, entity("job_owner", "batchjob-1")])) == []


@pytest.mark.parametrize(
    "owner",
    [
        instance("r-1", customStatus=None),
        instance("r-1", runtimeStatus="Failed", customStatus={"phase": "Running"}),
        instance("r-1", runtimeStatus="Running", customStatus=LOST),
    ],
)
@pytest.mark.parametrize("in_ledger", [True, False])
async def test_a_run_that_has_ended_is_not_woken(
    table: CountingTable, owner: dict[str, object], in_ledger: bool
) -> None:
    if in_ledger:
        await own_job(table, await added(table), "batchjob-1")
    entities = [] if in_ledger else [entity("job_owner", "batchjob-1", "r-1")]
    assert await woken(TaskHub([owner, *entities])) == []
