"""Hosts in their own processes: the worker core can index one app per process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, settings

from packages.functions_host.tests.seen import seen, seen_file

__all__ = ["seen", "seen_file"]

settings.register_profile(
    "functions_host",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("functions_host")

APPS = Path(__file__).parent / "apps"
WEBHOOK = "/runtime/webhooks/durabletask"
LIMIT_SECONDS = 20.0


@dataclass
class HostProcess:
    process: subprocess.Popen[str]
    url: str
    announced: str
    log_file: Path
    session: requests.Session

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=LIMIT_SECONDS, **options)

    def durable(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.call(method, f"{WEBHOOK}/{path}", **options)

    def start(self, orchestrator: str, payload: Any = None, instance_id: str = "") -> str:
        """Starts an orchestration through the app's HTTP trigger and durable client; returns the instance id."""
        body = None if payload is None else json.dumps(payload)
        answer = self.call("POST", f"/api/start/{orchestrator}?id={instance_id}", data=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def client(self, method: str, **arguments: Any) -> Any:
        """The result of the durable client's method, as ``{"result": …}`` or ``{"error": text}``."""
        answer = self.call("POST", f"/api/client/{method}", json=arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, instance_id: str, query: str = "") -> dict[str, Any]:
        answer = self.durable("GET", f"instances/{instance_id}{query}")
        return answer.json() if answer.content else {}

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.01)
        pytest.fail(f"{what}: not within {LIMIT_SECONDS} s\n{self.log()[-4000:]}")

    def ended(self, instance_id: str) -> dict[str, Any]:
        """Waits until the instance has ended, and returns its status."""
        ends = {"Completed", "Failed", "Terminated", "Canceled"}

        def end() -> dict[str, Any] | None:
            status = self.status(instance_id)
            return status if status.get("runtimeStatus") in ends else None

        return self.until(end, f"end of {instance_id}")

    def reached(self, instance_id: str, runtime_status: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            status = self.status(instance_id)
            return status if status.get("runtimeStatus") == runtime_status else None

        return self.until(there, f"{instance_id} {runtime_status}")

    def run(self, orchestrator: str, payload: Any = None, instance_id: str = "") -> dict[str, Any]:
        return self.ended(self.start(orchestrator, payload, instance_id))

    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.session.close()
        code = self.process.wait(LIMIT_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def host_command() -> Callable[..., list[str]]:
    def command(app: str | Path, store: Path, *options: str) -> list[str]:
        arguments = ["--app", str(APPS / app), "--store", str(store), "--port", "0", *options]
        return [sys.executable, "-m", "functions_host", *arguments]

    return command


@pytest.fixture(scope="module")
def start_host(
    host_command: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., HostProcess]]:
    """Starts a host for the named app. All of them are stopped after the module."""
    started: list[HostProcess] = []

    def start(app: str, *options: str, store: Path | None = None, **environment: str) -> HostProcess:
        folder = tmp_path_factory.mktemp(app)
        log_file = folder / "host.log"
        with log_file.open("w") as log:
            process = subprocess.Popen(
                host_command(app, store or folder / "hub.db", *options),
                cwd=folder,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        announced = ""
        for line in process.stdout:
            announced += line
            if line.startswith("Host ready:"):
                break
        else:
            process.wait()
            process.stdout.close()
            pytest.fail(f"The host did not start:\n{announced}{log_file.read_text()}")
        url = announced.rsplit(maxsplit=1)[-1]
        started.append(HostProcess(process, url, announced, log_file, requests.Session()))
        return started[-1]

    yield start
    for host in started:
        host.stop()


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, start_host: Callable[..., HostProcess]) -> HostProcess:
    """The host of the app that the test module names in ``APP``."""
    return start_host(request.module.APP)


@pytest.fixture(scope="module")
def completed(host: HostProcess) -> str:
    host.run("chain", ["Ada"], "completed")
    return "completed"


@pytest.fixture(scope="module")
def failed(host: HostProcess) -> str:
    host.run("failing", instance_id="failed")
    return "failed"


@pytest.fixture(scope="module")
def waiting(host: HostProcess) -> str:
    host.start("waiting", instance_id="waiting")
    host.until(lambda: host.status("waiting").get("customStatus"), "custom status")
    return "waiting"
