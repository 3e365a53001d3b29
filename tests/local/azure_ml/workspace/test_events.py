"""The events that the workspace publishes about its jobs."""

import uuid

import pytest

from local.azure_ml.config import Workspace, even_pace
from local.event_grid import Event
from tests.local.azure_ml.api import Api

CHANGED = "Microsoft.MachineLearningServices.RunStatusChanged"
COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"


class Published(list[Event]):
    def of(self, run: str, kind: str = CHANGED) -> list[Event]:
        return [event for event in self if event.data["runId"] == run and event.type == kind]

    def statuses(self, run: str) -> list[object]:
        return [event.data["runStatus"] for event in self.of(run)]


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def api(start_service, api_of, published: Published) -> Api:
    return api_of(start_service(publish=published.append))


def test_each_status_is_published_once_and_completed_twice(api: Api, published: Published) -> None:
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Completed")
    assert published.statuses(job) == ["Preparing", "Running", "Finalizing", "Completed"]
    assert len(published.of(job, COMPLETED)) == 1


def test_the_events_in_full(api: Api, published: Published) -> None:
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Completed")
    arm = api.arm_get(job).json()["properties"]
    [completed] = published.of(job, COMPLETED)
    changed = published.of(job)[-1]
    assert completed.topic == Workspace().id
    assert completed.subject == f"experiments/{completed.data['experimentId']}/runs/{job}"
    assert str(uuid.UUID(str(completed.data["experimentId"]))) == completed.data["experimentId"]
    assert completed.data == {
        "experimentId": completed.data["experimentId"],
        "experimentName": Workspace().endpoint,
        "runId": job,
        "runType": "azureml.PipelineRun",
        "runTags": arm["tags"],
        "runProperties": arm["properties"],
    }
    assert changed.data == {**completed.data, "runStatus": "Completed"}
    assert len({event.id for event in published}) == len(published)


def test_the_step_of_a_job_is_a_run_of_its_own(api: Api, published: Published) -> None:
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Completed")
    [step] = {str(event.data["runId"]) for event in published} - {job}
    assert published.statuses(step) == ["Running", "Completed"]
    assert published.of(step)[0].data["runType"] == "azureml.StepRun"
    assert published.of(step, COMPLETED) == []


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_a_job_that_does_not_complete_publishes_no_run_completed(
    api: Api, published: Published, status: str
) -> None:
    api.control.hold("Running")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Running")
    api.control.show_status(job, status)
    assert published.statuses(job)[-1] == status
    assert published.of(job, COMPLETED) == []


def test_a_cancel_and_a_status_that_is_only_shown(api: Api, published: Published) -> None:
    api.control.hold("Running")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Running")
    api.control.show_status(job, "NotResponding")
    api.control.show_status(job, None)
    api.cancel(job)
    api.control.wait_for_status(job, "Canceled")
    assert published.statuses(job) == [
        *("Preparing", "Running", "NotResponding", "Running", "CancelRequested", "Canceled")
    ]


def test_a_restart_does_not_publish_old_jobs_again(start_service, api_of) -> None:
    service = start_service(pace=even_pace(0))
    job = api_of(service).started(deployment="noop")
    service.control.wait_for_status(job, "Completed")
    service.stop()
    published = Published()
    start_service(publish=published.append)
    assert published == []
