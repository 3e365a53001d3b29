"""Every parameter of the Data Factory pipelines, and further ones, as the endpoint receives them."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

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
            "group.rate": {"type": "literal", "value": 0.5},
        },
        outputs={
            "scores": {"uri": "azureml://datastores/workspaceblobstore/paths/{run_id}/scores.csv"},
        },
    )
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed", view
    body = invoke_of(control, run_id)["body"]["properties"]
    assert body["inputData"]["mode"] == {"jobInputType": "Literal", "value": "append"}
    assert body["inputData"]["limit"] == {"jobInputType": "Literal", "value": 12}
    assert body["inputData"]["group.rate"] == {"jobInputType": "Literal", "value": 0.5}
    assert body["properties"] == {"experimentName": "nightly"}
    assert view["outputs"] == {"scores": f"azureml://datastores/workspaceblobstore/paths/{run_id}/scores.csv"}


def test_poll_interval_is_the_time_between_checks(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start(poll_interval=3)

    assert 2.9 < wait_for("a wait", lambda: app.pause(run_id)) < 3.5
    app.cancel(run_id)
    app.wait_for_end(run_id)


def test_parameters_as_pipelines_send_them_make_the_same_run(
    app: App, machine: LocalMachine, control: ControlClient
) -> None:
    """Interpolation makes text of numbers, and a parameter that was not set is empty. PowerShell adds the mark."""
    run_id = app.start(endpoint_output_uri=None)
    spelled = sample_request(
        run_id=run_id,
        endpoint_uri=machine.azure_ml.scoring_uri.removesuffix("jobs"),
        endpoint_input_type="uri_folder",
        endpoint_output_uri="",
        poll_interval="1",
        timeout=86_400.0,
        queue_timeout="",
        overrides={"mini_batch_size": ""},
    )
    again = app.post(data=b"\xef\xbb\xbf" + json.dumps(spelled).encode())
    assert (again.status_code, again.json()["id"]) == (200, run_id)
    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_overrides_and_tags_go_with_the_job(app: App, machine: LocalMachine, control: ControlClient) -> None:
    run_id = app.start(
        endpoint_output_uri=None,
        overrides={
            "mini_batch_size": 2,
            "instance_count": "4",
            "max_concurrency_per_instance": 3,
            "error_threshold": -1,
            "max_retries": 0,
            "retry_timeout": 90,
            "output_file_name": "scores.csv",
        },
        tags={"team": "fraud", "cost-center": "4711"},
    )
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed", view
    assert view["request"]["overrides"]["instance_count"] == 4
    assert view["request"]["tags"] == {"team": "fraud", "cost-center": "4711"}
    body = invoke_of(control, run_id)["body"]["properties"]
    assert (body["miniBatchSize"], body["maxConcurrencyPerInstance"], body["errorThreshold"]) == (2, 3, -1)
    assert body["compute"] == {"instanceCount": 4}
    assert body["retrySettings"] == {"maxRetries": 0, "timeout": "PT1M30S"}
    assert body["outputFileName"] == "scores.csv"
    assert (body["tags"]["team"], body["tags"]["cost-center"]) == ("fraud", "4711")
    assert body["tags"]["batch_run_id"] == run_id
    job = machine.control.job(view["job"]["name"])
    assert job["request"]["overrides"]["mini_batch_size"] == 2
    lines = [line for line in machine.host.log.read_text().splitlines() if f"run={run_id}" in line]
    for event in ("run_started", "job_submitted", "run_ended"):
        [line] = [line for line in lines if f"{event} " in line]
        assert "tag.team=fraud" in line


def test_the_list_selects_by_a_tag(app: App) -> None:
    team = f"team-{uuid4().hex[:8]}"
    tagged, other = app.start(tags={"team": team}), app.start(tags={"team": "another"})

    def listed(**params: str) -> list[str]:
        return [run["run_id"] for run in app.list(**params).json()["runs"]]

    assert listed(tag=f"team:{team}") == [tagged]
    assert app.list(prefix=tagged).json()["runs"][0]["tags"] == {"team": team}
    for run_id in (tagged, other):
        app.wait_for_end(run_id)
    wait_for("the end in the ledger", lambda: listed(tag=f"team:{team}", phase="completed") == [tagged])
    assert listed(tag=f"team:{team}", phase="FAILED") == []
    assert listed(tag=f"Team:{team}") == []


@pytest.mark.parametrize("field", ["tenant_id", "client_id", "client_secret"])
def test_credentials_are_not_parameters_and_are_refused(app: App, field: str) -> None:
    """The service principal's three parameters are app settings here: a request would store them."""
    answer = app.post(sample_request(**{field: "s3cret-value"}))

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert f"the app setting AZURE_{field.upper()}" in error["message"]
    assert "s3cret-value" not in answer.text
