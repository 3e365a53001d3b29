"""A submission whose answer is lost: the job is found and adopted, or the run reports that it is uncertain."""

import json
from collections.abc import Iterator

import pytest

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App, jobs_of
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """A workspace of its own: jobs of other tests would be candidates in each search."""
    config = MachineConfig(tmp_path_factory.mktemp("uncertain"), time_scale=TIME_SCALE)
    with LocalMachine(config) as machine:
        yield machine


CLOSED_WORKSPACE = {
    "action": "answer",
    "status": 502,
    "body": "malformed",
    "text": json.dumps(
        {
            "error": {
                "code": "UserError",
                "message": "Access to workspace was denied based on workspace private link configuration.",
                "details": [],
                "additionalInfo": [
                    {"type": "ComponentName", "info": {"value": "managementfrontend"}},
                ],
            }
        }
    ),
    "times": None,
}
"""What a workspace answers that is closed to public networks."""

LOST_AFTER_CREATION = [
    pytest.param({"action": "answer", "status": 500, "body": "envelope-b"}, id="500"),
    pytest.param({"action": "answer", "status": 503, "body": "text"}, id="503-plain-text"),
    pytest.param({"action": "answer", "status": 408}, id="408"),
    pytest.param({"action": "answer", "status": 302}, id="302"),
    pytest.param({"action": "answer", "status": 201, "body": "malformed"}, id="201-malformed"),
    pytest.param({"action": "drop"}, id="connection-dropped"),
]


@pytest.mark.parametrize("fault", LOST_AFTER_CREATION)
def test_a_job_whose_answer_was_lost_is_adopted(
    app: App, control: ControlClient, fault: dict[str, object]
) -> None:
    control.fault("invoke", when="after", **fault)
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert jobs_of(control, run_id) == [view["job"]["name"]]


@pytest.mark.parametrize("fault", LOST_AFTER_CREATION)
def test_a_job_that_was_provably_not_created_is_submitted_again(
    app: App, control: ControlClient, fault: dict[str, object]
) -> None:
    control.fault("invoke", when="before", **fault)
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_an_endpoint_that_fails_again_and_again_is_tried_on(app: App, control: ControlClient) -> None:
    control.fault("invoke", "answer", status=503, body="text", text="Not now", times=3)
    run_id = app.start()
    wait_for("a second loss", lambda: len(control.requests("invoke")) == 3)
    assert "503. It says: Not now" in app.run(run_id)["problem"]["message"]
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert [call["status"] for call in control.requests("invoke")] == [503, 503, 503, 201]


def test_a_job_is_found_although_its_deployment_ignored_the_experiment_of_the_request(
    app: App, control: ControlClient
) -> None:
    control.fault("invoke", "drop", when="after")
    run_id = app.start(experiment="night-run")
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_the_first_of_several_jobs_with_a_lost_answer_is_adopted(app: App, control: ControlClient) -> None:
    """Azure ML was seen to create several jobs from one request. The service decides which one gets the output."""
    control.fault("invoke", "duplicate", jobs=3)
    control.fault("invoke", "drop", when="after")
    run_id = app.start()
    view = app.wait_for_end(run_id)

    made = jobs_of(control, run_id)
    assert len(made) == 3
    assert view["job"]["name"] == made[0]


def test_a_list_that_is_out_of_date_does_not_cause_a_second_job(app: App, control: ControlClient) -> None:
    control.fault("list", "lag", seconds=0.5, times=None)
    control.fault("invoke", "drop", when="after")
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_while_the_list_is_refused_the_run_ends_uncertain_and_submits_nothing(
    app: App, control: ControlClient
) -> None:
    control.fault("list", "answer", status=403, times=None)
    control.fault("invoke", "answer", status=503, when="after")
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "submission_uncertain")
    assert "Submission uncertain" in view["error"]["message"]
    assert "The last answer to its submission was: POST" in view["error"]["message"]
    assert "answered 503" in view["error"]["message"]
    assert len(jobs_of(control, run_id)) == 1
    assert app.durable_status(run_id)["runtimeStatus"] == "Failed"


def test_a_submission_that_the_closed_workspace_denies_is_rejected_once_the_list_has_no_job(
    app: App, control: ControlClient
) -> None:
    control.fault("invoke", **CLOSED_WORKSPACE)
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "request_rejected")
    assert "private link configuration" in view["error"]["message"]
    assert "closed to public networks" in view["error"]["message"]
    assert len(control.requests("invoke")) == 1
    assert control.requests("list")


def test_while_the_closed_workspace_denies_the_list_too_the_run_says_what_is_missing(
    app: App, control: ControlClient
) -> None:
    control.fault("invoke", **CLOSED_WORKSPACE)
    control.fault("list", **CLOSED_WORKSPACE)
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "submission_uncertain")
    assert "with a private endpoint of the workspace" in view["error"]["message"]
    assert len(control.requests("invoke")) == 1


def test_a_list_that_is_available_again_in_time_is_enough(app: App, control: ControlClient) -> None:
    control.fault("list", "answer", status=503, times=2)
    control.fault("invoke", "drop", when="after")
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_without_an_output_of_its_own_a_job_cannot_be_identified(app: App, control: ControlClient) -> None:
    """The service drops our tag, and other jobs may read the same file: the run cannot know which job is its own."""
    control.fault("invoke", "drop", when="after")
    one_file = "azureml://datastores/samples/paths/data/mill-street-7.csv"
    run_id = app.start(
        endpoint_input_uri=None,
        endpoint_output_uri=None,
        inputs={"input_data": {"type": "UriFile", "uri": one_file}},
    )
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "submission_uncertain")
    assert "which look alike" in view["error"]["message"]
    assert len(jobs_of(control, run_id)) == 1


def test_a_timeout_during_the_search_ends_uncertain(
    app: App, control: ControlClient, clock: ClockFile
) -> None:
    control.fault("list", "answer", status=503, times=None)
    control.fault("invoke", "drop", when="after")
    run_id = app.start(timeout=1_800)
    wait_for("the loss", lambda: app.run(run_id)["problem"])
    clock.skip(1_800)
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "submission_uncertain")
    assert len(jobs_of(control, run_id)) == 1


def test_a_throttled_list_is_requested_again_after_its_retry_after(app: App, control: ControlClient) -> None:
    control.fault("list", "answer", status=429, retry_after=4, times=1)
    control.fault("invoke", "drop", when="after")
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert [call["status"] for call in control.requests("list")] == [429, 200]
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_a_refused_submission_is_not_uncertain(app: App, control: ControlClient) -> None:
    for status in (400, 404, 409, 424):
        control.reset()
        control.fault("invoke", "answer", status=status, body="text", text="Denied by policy", times=None)
        run_id = app.start()
        view = app.wait_for_end(run_id)

        assert view["phase"] == "Failed"
        assert "Denied by policy" in view["error"]["message"]
        assert str(status) in view["error"]["message"]
        assert len(control.requests("invoke")) == 1
        assert control.requests("list") == []


def test_a_throttled_submission_is_retried_after_its_retry_after(app: App, control: ControlClient) -> None:
    control.fault("invoke", "answer", status=429, retry_after=2, times=2)
    run_id = app.start()
    view = app.wait_for_end(run_id)

    posts = [call["status"] for call in control.requests("invoke")]
    assert view["phase"] == "Completed"
    assert posts == [429, 429, 201]
    assert control.requests("list") == []


@pytest.fixture(scope="module")
def tag_keeping_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, ControlClient]]:
    config = MachineConfig(tmp_path_factory.mktemp("tags"), keep_tags=True, time_scale=TIME_SCALE)
    with LocalMachine(config) as machine:
        yield App(machine.url), machine.control


def test_if_the_service_keeps_tags_the_job_is_identified_by_its_run(
    tag_keeping_app: tuple[App, ControlClient],
) -> None:
    app, control = tag_keeping_app
    control.fault("invoke", "drop", when="after", times=1)
    runs = [app.start(endpoint_output_uri=None, deployment="noop") for _ in range(3)]
    views = [app.wait_for_end(run_id) for run_id in runs]

    assert [view["phase"] for view in views] == ["Completed"] * 3
    assert len({view["job"]["name"] for view in views}) == 3
    for run_id, view in zip(runs, views, strict=True):
        assert jobs_of(control, run_id) == [view["job"]["name"]]
