"""A client that a generator makes of the OpenAPI document starts, reads, lists and cancels runs, and reads rules."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import requests

from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.harness import App

PACKAGE = "generated_client"
INPUT_URI = "azureml://datastores/samples/paths/data/"


@pytest.fixture(scope="module")
def generated(machine: LocalMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which the package lies."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(requests.get(f"{machine.url}/api/openapi.json", timeout=60).text)
    # Formatting would take another tool.
    (folder / "config.yaml").write_text("post_hooks: []\n")
    generator = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("openapi-python-client")), "generate"),
            *("--path", "openapi.json", "--meta", "none", "--output-path", PACKAGE),
            *("--config", "config.yaml", "--fail-on-warning"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert generator.returncode == 0, generator.stdout + generator.stderr
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def models(generated: Path) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.models")


class Caller:
    """Calls operations of the generated client by their ids."""

    def __init__(self, url: str) -> None:
        self.client = importlib.import_module(PACKAGE).Client(base_url=url, timeout=60)

    def call(self, operation: str, *path: str, **arguments: Any) -> Any:
        """The answer with its status and its body, parsed."""
        module = importlib.import_module(f"{PACKAGE}.api.default.{operation}")
        return module.sync_detailed(*path, client=self.client, **arguments)


@pytest.fixture
def caller(generated: Path, app: App) -> Iterator[Caller]:
    caller = Caller(f"{app.url}/api")
    with caller.client:
        yield caller


def new_id() -> str:
    return f"generated-{uuid4().hex[:12]}"


def test_it_starts_reads_and_lists_a_run(caller: Caller, models: ModuleType, app: App) -> None:
    run_id, team = new_id(), new_id()
    request = models.BatchRunRequest(
        run_id=run_id,
        endpoint_input_uri=INPUT_URI,
        endpoint_input_type=models.BatchRunRequestEndpointInputType.URIFOLDER,
        poll_interval=1,
        overrides=models.JobOverrides(mini_batch_size=2),
        tags=models.BatchRunRequestTags.from_dict({"team": team}),
    )
    started = caller.call("start_run", body=request)
    assert (started.status_code, started.parsed.id) == (202, run_id)
    again = caller.call("start_run", body=request)
    assert (again.status_code, again.parsed.run.run_id) == (200, run_id)

    app.wait_for_end(run_id)
    read = caller.call("get_run", run_id)
    assert read.status_code == 200
    assert read.parsed.phase is models.RunViewPhase.COMPLETED
    assert read.parsed.request.overrides.mini_batch_size == 2
    assert read.parsed.request.tags["team"] == team

    page = caller.call("list_runs", phase=[models.ListRunsPhaseItem.COMPLETED], tag=f"team:{team}")
    assert [run.run_id for run in page.parsed.runs] == [run_id]


def test_it_starts_a_run_with_named_inputs(caller: Caller, models: ModuleType, app: App) -> None:
    run_id = new_id()
    folder = models.JobInput(type_=models.JobInputType.URIFOLDER, uri=INPUT_URI)
    inputs, outputs = models.BatchRunRequestInputs(), models.BatchRunRequestOutputs()
    inputs["readings"] = folder
    inputs["group.rate"] = models.JobInput(type_=models.JobInputType.LITERAL, value=0.5)
    outputs["scores"] = models.JobOutput(
        uri="azureml://datastores/workspaceblobstore/paths/{run_id}/scores.csv"
    )
    request = models.BatchRunRequest(
        run_id=run_id, inputs=inputs, outputs=outputs, deployment="pipeline", poll_interval=1
    )
    assert caller.call("start_run", body=request).status_code == 202
    app.wait_for_end(run_id)
    run = caller.call("get_run", run_id).parsed
    assert run.phase is models.RunViewPhase.COMPLETED
    assert run.request.inputs["group.rate"].value == 0.5


def test_it_cancels_a_run(caller: Caller, models: ModuleType, app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = new_id()
    request = models.BatchRunRequest(run_id=run_id, endpoint_input_uri=INPUT_URI, poll_interval=1)
    assert caller.call("start_run", body=request).status_code == 202
    app.wait_for_phase(run_id, "Running")
    assert caller.call("cancel_run", run_id).status_code == 202
    app.wait_for_end(run_id)
    run = caller.call("get_run", run_id).parsed
    assert run.phase is models.RunViewPhase.CANCELED
    assert run.error.code is models.RunFailureCode.JOB_CANCELED
    assert caller.call("cancel_run", run_id).status_code == 409


def test_it_reads_what_is_wrong_with_a_request(caller: Caller, models: ModuleType) -> None:
    refused = caller.call("start_run", body=models.BatchRunRequest(poll_interval=0))
    assert refused.status_code == 400
    assert {error.field for error in refused.parsed.errors} == {"poll_interval", "endpoint_input_uri"}
    assert caller.call("get_run", new_id()).status_code == 404


def test_it_reads_the_rules(caller: Caller) -> None:
    read = caller.call("list_rules")
    assert read.status_code == 200
    assert (read.parsed.topic, read.parsed.rules) == (None, [])
    assert (read.parsed.ignored.count, read.parsed.ignored.last) == (0, None)
