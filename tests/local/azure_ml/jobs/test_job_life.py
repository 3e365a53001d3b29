"""The statuses of a job: its pace, holds, a status shown instead, cancel, restart."""

import pytest

from local.azure_ml import Phase
from local.azure_ml.config import Deployment, even_pace
from local.azure_ml.jobs.job import Creator, Job, JobRequest, entered, iso_time, new_job, next_status
from tests.local.azure_ml.api import Api

PACE = even_pace(1)
LONG_PACE = (Phase("Queued", 0), Phase("Provisioning", 0), *PACE)


def job_in(status: str, scoring: str | None = None) -> Job:
    job = new_job(Deployment("d"), JobRequest(), Creator("runner", "Application"), PACE, now=0.0)
    return Job(**{**vars(entered(job, status, 1.0)), "scoring": scoring})


@pytest.mark.parametrize(
    ("job", "pace", "following"),
    [
        (job_in("Preparing"), PACE, "Running"),
        (job_in("Running"), PACE, None),
        (job_in("Running", "done"), PACE, "Finalizing"),
        (job_in("Running", "failed"), PACE, "Failed"),
        (job_in("Finalizing", "done"), PACE, "Completed"),
        (job_in("CancelRequested"), PACE, "Canceled"),
        (job_in("CancelRequested", "done"), PACE, "Canceled"),
        (job_in("Queued"), LONG_PACE, "Provisioning"),
        (job_in("Provisioning"), LONG_PACE, "Preparing"),
        (job_in("Queued"), PACE, "Running"),
        (job_in("Running", "done"), (Phase("Running", 0),), "Completed"),
    ],
)
def test_next_status(job: Job, pace: tuple[Phase, ...], following: str | None) -> None:
    assert next_status(job, pace) == following


def test_created_at_is_written_as_the_service_does() -> None:
    assert iso_time(1680999999.80314) == "2023-04-09T00:26:39.8031400+00:00"


@pytest.mark.parametrize("pace", [(), (Phase("Preparing", 0),), (Phase("Running", 0), Phase("Running", 1))])
def test_a_pace_without_one_running_is_refused(start_service, pace: tuple[Phase, ...]) -> None:
    with pytest.raises(ValueError, match="pace needs"):
        start_service(pace=pace)


def test_a_job_passes_through_every_phase(start_service, api_of) -> None:
    statuses = ("NotStarted", "Queued", "Provisioning", "Starting", "Preparing", "Running", "Finalizing")
    api = api_of(start_service(pace=tuple(Phase(status, 0) for status in statuses)))
    holds = [api.control.hold(status) for status in statuses]
    job = api.started(deployment="noop")
    for status, hold in zip(statuses, holds, strict=True):
        api.control.wait_for_status(job, status)
        assert api.get_job(job).json()["properties"]["status"] == status
        assert api.arm_get(job).json()["properties"]["status"] == status
        api.control.release(hold)
    api.control.wait_for_status(job, "Completed")


def test_phases_last_as_long_as_the_pace_says(start_service, api_of) -> None:
    api = api_of(start_service(pace=even_pace(0.1)))
    job = api.started(deployment="noop")
    ended = api.control.wait_for_status(job, "Completed")
    assert 0.3 <= ended["entered_at"] - ended["created_at"] < 2


def test_a_hold_on_one_job_leaves_the_others_alone(api: Api) -> None:
    hold = api.control.hold("Preparing")
    first, second = api.started(deployment="noop"), api.started(deployment="noop")
    kept = api.control.hold("Preparing", first)
    api.control.release(hold)
    api.control.wait_for_status(second, "Completed")
    assert api.control.job(first)["status"] == "Preparing"
    api.control.release(kept)
    api.control.wait_for_status(first, "Completed")


@pytest.mark.parametrize("status", ["NotResponding", "Paused", "Unknown", "Queued", "NotStarted"])
def test_another_status_is_shown_and_taken_back(api: Api, status: str) -> None:
    api.control.hold("Running")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Running")
    api.control.show_status(job, status)
    assert api.get_job(job).json()["properties"]["status"] == status
    assert api.arm_get(job).json()["properties"]["status"] == status
    api.control.show_status(job, None)
    assert api.get_job(job).json()["properties"]["status"] == "Running"


def test_a_job_ends_although_another_status_is_shown(api: Api) -> None:
    hold = api.control.hold("Finalizing")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Finalizing")
    api.control.show_status(job, "NotResponding")
    api.control.release(hold)
    api.control.wait_for_status(job, "Completed")


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled"])
def test_an_end_that_is_forced_is_final(api: Api, status: str) -> None:
    api.control.hold("Preparing")
    job = api.started(deployment="noop")
    assert api.control.show_status(job, status)["status"] == status
    api.control.reset()
    with pytest.raises(RuntimeError, match="has ended"):
        api.control.show_status(job, "Running")
    assert api.get_job(job).json()["properties"]["status"] == status


def test_cancel_ends_what_another_status_hides(api: Api) -> None:
    api.control.hold("Running")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Running")
    api.control.show_status(job, "NotResponding")
    assert api.cancel(job).status_code == 202
    api.control.wait_for_status(job, "Canceled")


def test_a_restart_answers_for_old_jobs_and_goes_on_with_the_others(start_service, api_of) -> None:
    service = start_service()
    before = api_of(service)
    ended = before.started()
    before.control.wait_for_status(ended, "Completed")
    ended_before = before.get_job(ended).json()
    before.control.hold("Preparing")
    waiting = before.started()
    old_token = before.ml()
    ca = before.info.ca_bundle.read_bytes()
    service.stop()

    after = api_of(start_service())
    assert after.info.ca_bundle.read_bytes() == ca
    read = after.session.get(f"{after.info.scoring_uri}/{ended}", headers=old_token, timeout=10)
    assert read.json()["properties"]["status"] == "Completed"
    assert read.json()["systemData"] == ended_before["systemData"]
    assert after.control.wait_for_status(waiting, "Completed")["rows"] == 672
    assert [job["name"] for job in after.control.jobs()] == [ended, waiting]
