"""The bearer token goes to allowed endpoints, to ARM and to run history, and nowhere else."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App, sample_request

NOT_ALLOWED = [
    "http://{host}:{port}/jobs",
    "https://{host}:{other_port}/jobs",
    "https://{host}/jobs",
    "https://{host}.:{port}/jobs",
    "https://{host}:{port}.evil.example/jobs",
    "https://{host}.evil.example:{port}/jobs",
    "https://evil-{host}:{port}/jobs",
    "https://user@{host}:{port}/jobs",
    "https://user:pass@{host}:{port}/jobs",
    "https://{host}:{port}@evil.example/jobs",
    "https://evil.example/{host}:{port}/jobs",
    "https://evil.example\\@{host}:{port}/jobs",
    "https://{host}:{port}/jobs?api-version=1",
    "https://{host}:{port}/jobs#x",
    "https://{host}:{port}/jobs/..",
    "https://{host}:{port}/score",
    "https://{host}:{port}//jobs",
    "https://{host}:{port}/%6aobs",
    " https://{host}:{port}/jobs",
    "https://{host}:{port}/jobs\n",
    "https://{host}:0{port}/jobs",
    "https://\uff11\uff12\uff17.0.0.1:{port}/jobs",
    "https://localhost:{port}/jobs",
    "https://127.1:{port}/jobs",
    "https://[::1]:{port}/jobs",
    "https://\u217cocalhost:{port}/jobs",
    "//{host}:{port}/jobs",
    "https:{host}:{port}/jobs",
    "ftp://{host}:{port}/jobs",
    "https://attacker.westeurope.inference.ml.azure.com/jobs",
]


@pytest.mark.parametrize("endpoint_uri", NOT_ALLOWED)
def test_an_endpoint_that_is_not_on_the_list_is_refused(
    app: App, machine: LocalMachine, control: ControlClient, endpoint_uri: str
) -> None:
    endpoint, arm = urlsplit(machine.azure_ml.scoring_uri), urlsplit(machine.azure_ml.arm_url)
    uri = endpoint_uri.format(host=endpoint.hostname, port=endpoint.port, other_port=arm.port)
    answer = app.post(sample_request(endpoint_uri=uri))

    assert answer.status_code == 400, uri
    assert [error["field"] for error in answer.json()["errors"]] == ["endpoint_uri"]
    assert control.requests() == []


@pytest.mark.parametrize("operation", ["invoke", "get_job"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    app: App, machine: LocalMachine, control: ControlClient, operation: str, status: int
) -> None:
    elsewhere = f"{machine.azure_ml.arm_url}/stolen"
    control.fault(operation, "answer", status=status, headers={"Location": elsewhere}, times=1)
    app.wait_for_end(app.start(deployment="noop"))

    assert control.requests("other") == []


def test_links_in_answers_are_not_followed(app: App, machine: LocalMachine, control: ControlClient) -> None:
    """The Location of an invoke and the next page of a list: the app calls only addresses that it builds itself."""
    stolen = f'{{"value": [], "nextLink": "{machine.azure_ml.scoring_uri}/stolen?$skip=1"}}'
    control.fault("list", "answer", status=200, body="malformed", text=stolen, times=1)
    control.fault("invoke", "drop", when="before", times=1)
    app.wait_for_end(app.start(deployment="noop"))

    for call in control.requests():
        assert "stolen" not in call["path"]
        audiences = {"endpoint": machine.azure_ml.ml_audience, "arm": machine.azure_ml.arm_audience}
        assert call["audience"] == audiences.get(call["server"]), call


ELSEWHERE = [
    "{history}",
    "evil.example",
    "westeurope.api.azureml.ms.evil.example",
    "evil.example.api.azureml.ms",
    "api.azureml.ms",
    "westeurope.api.azureml.ms:8443",
    "westeurope.api.ml.azure.us",
    "user@westeurope.api.azureml.ms",
]


@pytest.fixture(scope="module")
def machine_without_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """No setting names its run history: only the Tracking service of a job does."""
    state = tmp_path_factory.mktemp("without-history")
    config = MachineConfig(state, time_scale=TIME_SCALE, settings={"AZURE_ML_RUN_HISTORY_URL": ""})
    with LocalMachine(config) as machine:
        yield machine


@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_tracking_service_elsewhere_gets_no_token(machine_without_history: LocalMachine, host: str) -> None:
    machine, control = machine_without_history, machine_without_history.control
    control.reset()
    history = machine.azure_ml.run_history_url.removeprefix("https://")
    control.fault("get_job", "track_elsewhere", text=host.format(history=history), times=None)
    app = App(machine.url)
    run_id = app.start(endpoint_input_uri="azureml://datastores/samples/paths/no-such-folder/")
    view = app.wait_for_end(run_id)

    assert view["error"]["message"] == f"Job {view['job']['name']} failed."
    assert f"job_not_explained run={run_id} job={view['job']['name']}" in machine.host.log.read_text()
    assert "names no run history that this app may call" in machine.host.log.read_text()
    assert [call for call in control.requests() if call["server"] == "history"] == []


def test_a_setting_alone_says_where_run_history_is(
    app: App, machine: LocalMachine, control: ControlClient
) -> None:
    control.fault(
        "get_job", "track_elsewhere", text=machine.azure_ml.arm_url.removeprefix("https://"), times=None
    )
    app.wait_for_end(app.start(endpoint_input_uri="azureml://datastores/samples/paths/no-such-folder/"))

    servers = {call["server"] for call in control.requests() if "/history/" in call["path"]}
    assert servers == {"history"}
