"""The service as a process: port file, readable lines, end on SIGTERM, and a client in another process."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.azure_ml import ControlClient, Identity, ServiceInfo
from tests.local.azure_ml.api import SAMPLES
from tests.waiting import wait_for

CLIENT = """
import sys, requests
from azure.identity import DefaultAzureCredential
with DefaultAzureCredential(disable_instance_discovery=True) as credential:
    token = credential.get_token("https://ml.azure.com/.default").token
data = {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"}
answer = requests.post(
    sys.argv[1],
    headers={"Authorization": "Bearer " + token},
    json={"properties": {"InputData": {"data": data}}},
    timeout=10,
)
print(answer.json()["name"])
"""


@contextmanager
def serving(tmp_path: Path, script: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "local.azure_ml", "--state", str(tmp_path / "state")]
    command += ["--script", str(script), "--model-dir", str(SAMPLES / "model")]
    command += ["--port-file", str(tmp_path / "ports.json"), "--seconds-per-phase", "0"]
    command += ["--datastore", f"demo={SAMPLES / 'data'}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=SAMPLES.parent
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def read_info(path: Path, process: subprocess.Popen[str]) -> ServiceInfo:
    def there() -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        return path.exists()

    wait_for("the port file", there)
    return ServiceInfo.read(path)


def submit(info: ServiceInfo, identity: Identity) -> str:
    """The job that a client in another process has started."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "IDENTITY_"))
    }
    client = subprocess.run(
        [sys.executable, "-c", CLIENT, info.scoring_uri],
        env=clean | info.environment(identity),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return client.stdout.strip()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with serving(tmp_path, SAMPLES / "score.py") as process:
        yield process


def test_runs_as_a_process(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    info = read_info(tmp_path / "ports.json", process)
    assert stat.S_IMODE((tmp_path / "ports.json").stat().st_mode) == 0o600
    for private in (tmp_path / "state" / "identities").iterdir():
        assert stat.S_IMODE(private.stat().st_mode) == 0o600

    job = ControlClient(info.control_url).wait_for_status(submit(info, "managed-identity"), "Completed")
    assert (job["rows"], job["creator"]) == (672, {"name": "app", "kind": "ManagedIdentity"})

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert info.scoring_uri in output
    assert f"job {job['name']}: Completed" in output
    assert all(str(one.client_secret) not in output for one in info.principals.values() if one.client_secret)


def test_a_killed_service_leaves_no_scoring_process(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(
        "import os, time\n"
        "def init(): print('pid', os.getpid(), flush=True)\n"
        "def run(mini_batch): time.sleep(600)\n"
    )
    with serving(tmp_path, script) as process:
        info = read_info(tmp_path / "ports.json", process)
        control, job = ControlClient(info.control_url), submit(info, "secret")
        log = wait_for("the script's line", lambda: (text := control.job(job)["log"]).endswith("\n") and text)
        process.kill()
        process.communicate(timeout=20)
    scoring = Path(f"/proc/{log.split()[1]}")
    wait_for("the end of the scoring process", lambda: not scoring.exists())


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--datastore", "nothing", "not of the form KEY=PATH"), ("--arm-port", None, "cannot start")],
)
def test_says_why_it_cannot_start(
    tmp_path: Path, taken_port: int, option: str, value: str | None, words: str
) -> None:
    extra = [option, value or str(taken_port)]
    command = [sys.executable, "-m", "local.azure_ml", "--state", str(tmp_path)]
    command += ["--script", "s.py", "--model-dir", "m", *extra]
    ended = subprocess.run(
        command, capture_output=True, text=True, cwd=SAMPLES.parent, timeout=20, check=False
    )
    assert ended.returncode != 0
    assert words in ended.stderr
