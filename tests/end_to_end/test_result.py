"""What a run tells of its result: the output, where it is, and which version of an asset was scored."""

from typing import Any

import pytest

from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.conftest import CLOSED_DATASTORE
from tests.end_to_end.harness import App, jobs_of, sample_request
from tests.waiting import wait_for


def _version(machine: LocalMachine, number: str) -> str:
    return f"{machine.azure_ml.workspace_resource_id}/data/heart/versions/{number}"


def test_a_run_that_asked_for_no_output_says_where_its_predictions_are(
    app: App, machine: LocalMachine
) -> None:
    run_id = app.start(endpoint_output_uri=None)
    view = app.wait_for_end(run_id)
    path = f"batch-runs/{run_id}/predictions.csv"
    assert view["phase"] == "Completed"
    assert view["outputs"] == {"output_data": f"azureml://datastores/workspaceblobstore/paths/{path}"}
    links = view["output_links"]["output_data"]
    assert links["storage_url"] == f"https://localstorage.blob.core.windows.net/workspaceblobstore/{path}"
    assert links["portal_url"].startswith("https://portal.azure.com/#view/Microsoft_Azure_Storage/")
    assert (machine.azure_ml.datastores["workspaceblobstore"] / path).is_file()
    assert app.post(sample_request(run_id=run_id, endpoint_output_uri=None)).status_code == 200
    assert app.post(sample_request(run_id=run_id)).status_code == 409


@pytest.mark.parametrize(
    "fault", [{"action": "answer", "status": 403}, {"action": "answer", "status": 200, "body": "text"}]
)
def test_a_run_completes_without_links_if_its_datastore_cannot_be_read(
    fault: dict[str, Any], app: App, machine: LocalMachine, control: ControlClient
) -> None:
    control.fault("datastore", times=None, **fault)
    run_id = app.start(endpoint_output_uri=f"azureml://datastores/{CLOSED_DATASTORE}/paths/{{run_id}}.csv")
    view = app.wait_for_end(run_id)
    assert (view["phase"], view["error"], "output_links" in view) == ("Completed", None, False)
    assert f"outputs_not_located run={run_id}" in machine.host.log.read_text()


def test_the_end_of_a_run_waits_for_links_for_ten_seconds_at_most(app: App, control: ControlClient) -> None:
    output = f"azureml://datastores/{CLOSED_DATASTORE}/paths/{{run_id}}.csv"
    with control.gate("datastore", discard=True) as gate:
        run_id = app.start(endpoint_output_uri=output)
        control.wait_at_gate(gate)
        assert app.run(run_id)["phase"] == "Completed"
        view = app.wait_for_end(run_id)
    assert (view["phase"], "output_links" in view) == ("Completed", False)


@pytest.mark.parametrize(
    "asset", ["azureml:heart@latest", "azureml:/heart@latest", "azureml://data/heart/labels/latest"]
)
def test_the_latest_version_of_an_asset_is_scored_and_shown(
    asset: str, app: App, machine: LocalMachine, control: ControlClient
) -> None:
    run_id = app.start(endpoint_input_uri=asset)
    view = app.wait_for_end(run_id)
    assert view["phase"] == "Completed"
    assert view["resolved_inputs"] == {"input_data": _version(machine, "1")}
    assert view["request"]["inputs"]["input_data"]["uri"] == "azureml:heart@latest"
    [job] = jobs_of(control, run_id)
    [sent] = control.job(job)["request"]["inputs"].values()
    assert sent["uri"] == _version(machine, "1")


@pytest.mark.parametrize("asset", ["heart:7", "lungs@latest", "heart@prod"])
def test_an_asset_that_is_not_there_fails_the_run_before_anything_is_submitted(
    asset: str, app: App, control: ControlClient
) -> None:
    run_id = app.start(endpoint_input_uri=f"azureml:{asset}")
    view = app.wait_for_end(run_id)
    assert (view["phase"], view["error"]["code"]) == ("Failed", "request_rejected")
    assert view["error"]["message"].startswith(f"Input input_data names the data asset {asset}")
    assert jobs_of(control, run_id) == []


def test_a_run_waits_until_the_workspace_says_which_version_is_the_latest(
    app: App, machine: LocalMachine, control: ControlClient
) -> None:
    control.fault("data_asset", "answer", status=503, times=2)
    view = app.wait_for_end(app.start(endpoint_input_uri="azureml:heart@latest"))
    assert (view["phase"], view["error"]) == ("Completed", None)
    assert view["resolved_inputs"] == {"input_data": _version(machine, "1")}


def test_an_app_that_may_not_read_assets_names_the_role_while_it_waits_for_it(
    app: App, control: ControlClient
) -> None:
    control.fault("data_asset", "answer", status=403, times=None)
    run_id = app.start(endpoint_input_uri="azureml:heart@latest")
    problem = wait_for("a problem", lambda: app.run(run_id)["problem"])
    assert problem["code"] == "access_denied"
    assert "needs the role AzureML Data Scientist on the workspace" in problem["message"]
    control.reset()
    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_the_job_of_an_asset_is_adopted_after_a_lost_answer(
    app: App, machine: LocalMachine, control: ControlClient
) -> None:
    control.fault("invoke", "drop", when="after")
    run_id = app.start(endpoint_input_uri="azureml:heart@latest")
    view = app.wait_for_end(run_id)
    assert view["phase"] == "Completed"
    assert view["resolved_inputs"] == {"input_data": _version(machine, "1")}
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_a_lost_submission_without_a_tag_is_recognised_by_the_output_of_the_app(
    app: App, control: ControlClient
) -> None:
    control.fault("invoke", "drop", when="after")
    run_id = app.start(endpoint_output_uri=None)
    view = app.wait_for_end(run_id)
    assert view["phase"] == "Completed"
    assert jobs_of(control, run_id) == [view["job"]["name"]]
