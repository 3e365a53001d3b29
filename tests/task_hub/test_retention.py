"""Purging with the real client and a fake task hub: everything that was kept for a run is deleted."""

import json
from datetime import UTC, datetime

import pytest

from task_hub.retention import purge_ended_before
from tests.batch.builders import after, custom_status, result, run
from tests.task_hub.task_hub import TaskHub, entity, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

BEFORE = datetime(2026, 2, 1, tzinfo=UTC)
STATE = json.dumps(run(status="Running").to_json())
WITHOUT_JOB = json.dumps(run().to_json())


async def test_an_instance_that_cannot_be_purged_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = TaskHub(map(instance, ("r-1", "r-2", "r-3")), stuck="r-1")
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 2
    assert list(hub.instances) == ["r-1"]
    [line] = [record.getMessage() for record in caplog.records if record.name == "task_hub.retention"]
    assert line.startswith("history_not_purged instance=r-1 reason=")


@pytest.mark.parametrize(
    ("runtime_status", "status", "output", "state"),
    [
        ("Completed", custom_status(run(status="Completed")), None, WITHOUT_JOB),
        ("Completed", None, result(run(status="Completed"), after(60)), WITHOUT_JOB),
        ("Completed", custom_status(run()), result(run(status="Completed"), after(60)), "of another version"),
        ("Completed", None, None, STATE),
        ("Failed", custom_status(run(status="Failed")), "no luck", WITHOUT_JOB),
        ("Failed", None, "no luck", STATE),
        ("Failed", custom_status(run()), "no luck", STATE),
        ("Terminated", None, "because", STATE),
        ("Terminated", {"phase": "Running", "job": None}, "because", STATE),
    ],
)
async def test_the_owner_of_the_job_is_purged_with_its_run_wherever_the_job_is_recorded(
    runtime_status: str, status: object, output: object, state: str
) -> None:
    fields = {"runtimeStatus": runtime_status, "customStatus": status, "output": output, "input": state}
    other = entity("job_owner", "batchjob-2", "r-2")
    kept_for_it = [entity("submission", "r-1", {"attempt": "a"}), entity("job_owner", "batchjob-1")]
    hub = TaskHub([instance("r-1", **fields), *kept_for_it, other])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert list(hub.instances) == [other["instanceId"]]


async def test_a_run_without_a_job_is_purged_too() -> None:
    hub = TaskHub([instance("r-1", runtimeStatus="Failed", input=WITHOUT_JOB), entity("submission", "r-1")])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 1
    assert not hub.instances


async def test_a_run_that_goes_on_stays() -> None:
    hub = TaskHub([instance("r-1", runtimeStatus="Running"), entity("submission", "r-1", {"attempt": "a"})])
    with hub.served() as client:
        assert await purge_ended_before(client, BEFORE, limit=100) == 0
    assert len(hub.instances) == 2
