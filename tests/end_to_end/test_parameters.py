"""Every parameter of the Data Factory pipelines, and further ones, as the endpoint receives them."""

from pathlib import Path
from typing import Any

import pytest

from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.harness import App, sample_request
from tests.waiting import wait_for


def invoke_of(control: ControlClient, run_id: str) -> dict[str, Any]:
    """The one POST that this run sent."""
    of_run = [call for call in control.requests("invoke") if run_id in str(call["body"])]
    assert len(of_run) == 1
    return of_run[0]


def test_the_parameters_of_the_pipelines_are_accepted(
    app: App, machine: LocalMachine, control: ControlClient
) -> None:
    run_id = app.start(
        endpoint_uri=machine.azure_ml.scoring_uri,
        poll_interval=1,
        endpoint_input_uri="azureml://datastores/samples/paths/data/",
        endpoint_input_type="UriFolder",
        endpoint_output_uri="azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
    )
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    body = invoke_of(control, run_id)["body"]["properties"]
    assert body["inputData"] == {
        "input_data": {"jobInputType": "UriFolder", "uri": "azureml://datastores/samples/paths/data/"}
    }
    assert body["outputData"] == {
        "output_data": {
            "jobOutputType": "UriFile",
            "uri": f"azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
        }
    }
    predictions = machine.azure_ml.datastores["workspaceblobstore"] / run_id / "predictions.csv"
    inputs = list((Path("samples") / "data").glob("*.csv"))
    readings = sum(len(path.read_text().splitlines()) - 1 for path in inputs)
    assert len(predictions.read_text().splitlines()) == readings > 0


def test_endpoint_uri_input_type_and_poll_interval_have_the_pipelines_defaults(
    app: App, control: ControlClient
) -> None:
    control.hold("Running")
    run_id = app.start(poll_interval=None)
    view = app.wait_for_phase(run_id, "Running")

    assert view["endpoint_uri"] == app.run(run_id)["endpoint_uri"]
    assert view["request"]["poll_interval"] == 120
    assert invoke_of(control, run_id)["body"]["properties"]["inputData"]["input_data"]["jobInputType"] == (
        "UriFolder"
    )
    assert app.cancel(run_id).status_code == 202
    assert app.wait_for_end(run_id)["phase"] == "Canceled"


def test_a_single_file_is_scored(app: App, machine: LocalMachine) -> None:
    source = sorted((Path("samples") / "data").glob("*.csv"))[0]
    run_id = app.start(
        endpoint_input_type="UriFile",
        endpoint_input_uri=f"azureml://datastores/samples/paths/data/{source.name}",
    )

    assert app.wait_for_end(run_id)["phase"] == "Completed"
    predictions = machine.azure_ml.datastores["workspaceblobstore"] / run_id / "predictions.csv"
    rows = predictions.read_text().splitlines()
    assert rows and all(row.startswith(source.name) for row in rows)


def test_without_an_output_the_short_form_has_that_of_the_app(app: App, control: ControlClient) -> None:
    run_id = app.start(endpoint_output_uri=None)
    uri = f"azureml://datastores/workspaceblobstore/paths/batch-runs/{run_id}/predictions.csv"
    assert app.wait_for_end(run_id)["outputs"] == {"output_data": uri}
    sent = invoke_of(control, run_id)["body"]["properties"]["outputData"]
    assert sent == {"output_data": {"jobOutputType": "UriFile", "uri": uri}}


def test_for_named_inputs_without_outputs_the_endpoint_chooses_the_place(
    app: App, control: ControlClient
) -> None:
    inputs = {"data": {"type": "UriFolder", "uri": "azureml://datastores/samples/paths/data/"}}
    run_id = app.start(endpoint_input_uri=None, endpoint_output_uri=None, inputs=inputs)
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert view["outputs"] == {}
    assert "outputData" not in invoke_of(control, run_id)["body"]["properties"]


def test_a_deployment_can_be_chosen(app: App, machine: LocalMachine) -> None:
    run_id = app.start(deployment="challenger")
    view = app.wait_for_end(run_id)

    job = machine.control.job(view["job"]["name"])
    assert view["phase"] == "Completed"
    assert job["deployment"] == "challenger"


def test_a_pipeline_component_accepts_named_bindings_literals_and_an_experiment(
    app: App, control: ControlClient
) -> None:
    run_id = app.start(
        endpoint_input_uri=None,
        endpoint_output_uri=None,
        deployment="pipeline",
        experiment="nightly",
        inputs={
            "readings": {"type": "UriFolder", "uri": "azureml://datastores/samples/paths/data/"},
            "mode": {"type": "Literal", "value": "append"},
            "limit": {"type": "Literal", "value": 12},
        },
        outputs={
            "scores": {"uri": "azureml://datastores/workspaceblobstore/paths/{run_id}/scores.csv"},
        },
    )
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed", view
    body = invoke_of(control, run_id)["body"]["properties"]
    assert body["inputData"]["mode"] == {"jobInputType": "Literal", "value": "append"}
    assert body["inputData"]["limit"] == {"jobInputType": "Literal", "value": "12"}
    assert body["properties"] == {"experimentName": "nightly"}
    assert view["outputs"] == {"scores": f"azureml://datastores/workspaceblobstore/paths/{run_id}/scores.csv"}


def test_poll_interval_is_the_time_between_checks(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start(poll_interval=3)

    assert 2.9 < wait_for("a wait", lambda: app.pause(run_id)) < 3.5
    app.cancel(run_id)
    app.wait_for_end(run_id)


@pytest.mark.parametrize("field", ["tenant_id", "client_id", "client_secret"])
def test_credentials_are_not_parameters_and_are_refused(app: App, field: str) -> None:
    """The service principal's three parameters are app settings here: a request would store them."""
    answer = app.post(sample_request(**{field: "s3cret-value"}))

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": field, "message": "is not a known field"}]
    assert "s3cret-value" not in answer.text
