"""Pipelines of Data Factory and a workflow of Logic Apps: green if and only if the job completed."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.callers.data_factory import PipelineRun, read_pipeline
from tests.end_to_end.callers.logic_app import WorkflowRun, read_definition
from tests.end_to_end.callers.web import Failed, Web
from tests.end_to_end.harness import TIME_SCALE, App
from tests.served import served
from tests.waiting import LIMIT, wait_for

PIPELINES = sorted((ROOT / "samples" / "data-factory").glob("*.json"))
WORKFLOW = ROOT / "samples" / "logic-app" / "run-batch-endpoint.definition.json"
KEY = "the-function-key"
A_DAY = 86_400

Play = Callable[..., None]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """Its own, because a test of the default timeout skips a whole day."""
    with LocalMachine(MachineConfig(tmp_path_factory.mktemp("callers"), time_scale=TIME_SCALE)) as machine:
        yield machine


class Vault(BaseHTTPRequestHandler):
    """Key Vault with one secret."""

    def do_GET(self) -> None:
        found = self.path == "/secrets/batch-function-key?api-version=7.4"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b'{"value": "%s"}' % KEY.encode() if found else b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def vault() -> Iterator[str]:
    with served(ThreadingHTTPServer(("127.0.0.1", 0), Vault)) as url:
        yield url


@pytest.fixture
def web(machine: LocalMachine, vault: str) -> Web:
    return Web(
        {
            "https://<app>.azurewebsites.net": machine.url,
            "https://<vault>.vault.azure.net": vault,
            "<name>": "batch-function-key",
        }
    )


@pytest.fixture(params=[*PIPELINES, WORKFLOW], ids=lambda path: path.stem)
def play(request: pytest.FixtureRequest, machine: LocalMachine, web: Web) -> Play:
    """Runs one of the samples under this id, with these of the five parameters changed."""
    path: Path = request.param

    def run(run_id: str, **changed: str) -> None:
        parameters: dict[str, Any] = {
            "endpoint_uri": machine.azure_ml.scoring_uri,
            "poll_interval": 1,
            "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
            "endpoint_input_type": "UriFolder",
            "endpoint_output_uri": f"azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
            **changed,
        }
        if path == WORKFLOW:
            settings = {"app_url": machine.url, "function_key": KEY}
            WorkflowRun(read_definition(path), run_id, settings, parameters, web).play()
            return
        if "service-principal" in path.stem:
            parameters |= {"tenant_id": "t", "client_id": "c", "client_secret": "S3cr3tMarker"}
        PipelineRun(read_pipeline(path), run_id, parameters, web).play()

    return run


@pytest.fixture
def last_status(web: Web, request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Checks what a sample that follows the 202 was answered last. The one with Until reads the run, always 200."""

    def check(expected: int) -> None:
        assert web.calls[-1].status_code == (200 if "until" in request.node.callspec.id else expected)

    return check


@pytest.fixture
def run_id() -> str:
    return str(uuid4())


@pytest.fixture
def playing(play: Play, run_id: str) -> Iterator[Future[None]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(play, run_id)


def ended_red(playing: Future[None]) -> str:
    """What a person reads in the monitoring of the caller."""
    with pytest.raises(Failed) as failure:
        playing.result(LIMIT)
    return str(failure.value)


def run_under_way(app: App, run_id: str) -> None:
    wait_for("the start", lambda: any(run["run_id"] == run_id for run in app.list().json()["runs"]))
    app.wait_for_phase(run_id, "Running")


def test_it_is_green_if_the_job_completed(app: App, play: Play, run_id: str, web: Web) -> None:
    play(run_id)
    assert app.run(run_id)["phase"] == "Completed"
    assert web.calls[-1].status_code == 200


def test_it_is_red_with_the_reason_if_the_job_failed(
    app: App, play: Play, run_id: str, last_status: Callable[[int], None]
) -> None:
    with pytest.raises(Failed) as failure:
        play(run_id, endpoint_input_uri="azureml://datastores/samples/paths/nothing-here/")
    assert app.run(run_id)["phase"] == "Failed"
    assert "job_failed" in str(failure.value)
    last_status(500)


@pytest.fixture
def held(control: ControlClient) -> ControlClient:
    """Each job stays Running."""
    control.hold("Running")
    return control


def test_it_is_red_if_somebody_cancels_the_run(
    held: ControlClient,
    app: App,
    run_id: str,
    playing: Future[None],
    last_status: Callable[[int], None],
) -> None:
    run_under_way(app, run_id)
    app.cancel(run_id)
    assert "job_canceled" in ended_red(playing)
    assert app.run(run_id)["phase"] == "Canceled"
    last_status(500)


def test_it_is_red_if_the_run_times_out(
    held: ControlClient,
    app: App,
    run_id: str,
    playing: Future[None],
    clock: ClockFile,
    last_status: Callable[[int], None],
) -> None:
    run_under_way(app, run_id)
    clock.skip(A_DAY)
    assert "timed_out" in ended_red(playing)
    assert app.run(run_id)["phase"] == "TimedOut"
    last_status(500)


def test_it_is_red_if_somebody_terminates_the_orchestration(
    held: ControlClient,
    app: App,
    run_id: str,
    playing: Future[None],
    last_status: Callable[[int], None],
) -> None:
    """The durable status answers 200 then, as the real extension does. The condition after the activity sees it."""
    run_under_way(app, run_id)
    app.durable_post(run_id, "terminate")
    assert "Terminated" in ended_red(playing)
    last_status(200)


def test_it_is_red_if_the_run_is_purged_meanwhile(
    held: ControlClient, app: App, run_id: str, playing: Future[None]
) -> None:
    """The one that follows reads 404 then; the one that polls reads what the ledger kept."""
    run_under_way(app, run_id)
    app.durable_post(run_id, "terminate")
    app.purge(run_id)
    assert ended_red(playing)


def test_it_is_red_if_the_request_is_refused(play: Play, run_id: str, app: App, web: Web) -> None:
    with pytest.raises(Failed) as failure:
        play(run_id, endpoint_input_uri="nonsense")
    assert str(failure.value).startswith("400: ")
    assert "endpoint_input_uri" in str(failure.value)
    assert web.calls[-1].request.method == "POST"


def test_a_second_try_of_the_activity_is_not_green_before_the_run_is(
    held: ControlClient,
    app: App,
    play: Play,
    run_id: str,
    playing: Future[None],
    request: pytest.FixtureRequest,
) -> None:
    """The same run_id is answered 200 at once, with the run that is there."""
    run_under_way(app, run_id)
    if "until" not in request.node.name:
        with pytest.raises(Failed, match="is Running, not Completed"):
            play(run_id)
    held.reset()
    playing.result(LIMIT)
    play(run_id)


def test_no_secret_is_sent_to_the_app(
    play: Play, run_id: str, web: Web, request: pytest.FixtureRequest
) -> None:
    play(run_id)
    sent = [str(call.request.body) + call.request.url for call in web.calls if call.request.url]
    assert not [text for text in sent if "S3cr3tMarker" in text or KEY in text or "client_secret" in text]
    starts = [call.request.headers for call in web.calls if call.request.method == "POST"]
    expected = KEY if request.node.callspec.id.endswith(("function-key", "definition")) else None
    assert [headers.get("x-functions-key") for headers in starts] == [expected]
