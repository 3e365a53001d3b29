"""An app behind a login: what the template lets past it works, and nothing else does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.check.bicep import parse
from infra.check.rules.sign_in import paths_without_login, sign_ins
from local.event_grid import Subscription
from local.host_process import ROOT
from local.machine import INCOMING, WEBHOOK, LocalMachine, MachineConfig, container_folder
from tests.end_to_end.harness import TIME_SCALE, App, sample_request
from tests.end_to_end.new_data import rule, runs, uploaded
from tests.served import served
from tests.waiting import LIMIT, wait_for

SIGN_IN = ROOT / "infra/modules/sign-in.bicep"
TOKEN = "s3cr3t-access-token"
LOGIN = {"Authorization": f"Bearer {TOKEN}"}
KEY = {"x-functions-key": "s3cr3t-function-key"}
SUBSCRIPTION = "new-data-past-the-login"


class SignIn(ThreadingHTTPServer):
    """Does what App Service authentication does in front of an app, for requests of programs."""

    app = ""
    excluded: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def lets_through(self, path: str, authorization: str | None) -> bool:
        return authorization == LOGIN["Authorization"] or any(
            path.startswith(one.removesuffix("*")) if one.endswith("/*") else path == one
            for one in self.excluded
        )


class Forward(BaseHTTPRequestHandler):
    server: SignIn

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.server.lets_through(self.path.partition("?")[0], self.headers["Authorization"]):
            self.send_response(401)
            self.end_headers()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = requests.request(
            self.command, f"{self.server.app}{self.path}", headers=headers, data=sent, timeout=60
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sign_in(machine: LocalMachine) -> Iterator[SignIn]:
    template = parse(SIGN_IN, SIGN_IN.read_bytes())
    [declared] = sign_ins(template)
    server = SignIn(("127.0.0.1", 0), Forward)
    server.app = machine.url
    server.excluded = tuple(paths_without_login(template, declared))
    with served(server):
        yield server


@pytest.fixture
def machine(own_state: Path) -> Iterator[LocalMachine]:
    """Takes new data, and is not subscribed to any."""
    folder = container_folder(own_state, INCOMING.name)
    config = MachineConfig(
        own_state,
        storage=dict.fromkeys(INCOMING.addresses, folder),
        settings={"NEW_DATA_TOPIC": INCOMING.topic, "NEW_DATA_RULES": json.dumps([rule(start="file")])},
        time_scale=TIME_SCALE,
    )
    with LocalMachine(config) as running:
        running.incoming.mkdir()
        yield running


@pytest.fixture
def dead_letters(machine: LocalMachine, sign_in: SignIn, tmp_path: Path) -> Path:
    """The folder of the events that Event Grid could not deliver through the sign-in."""
    folder = tmp_path / "dead-letters"
    machine.grid.subscribe(Subscription(SUBSCRIPTION, f"{sign_in.url}{WEBHOOK}new_data", dead_letter=folder))
    return folder


def publish(machine: LocalMachine, path: str) -> None:
    machine.grid.publish(uploaded(machine, path))
    machine.grid.wait_until_idle(LIMIT)


def test_an_event_needs_no_login(machine: LocalMachine, dead_letters: Path) -> None:
    publish(machine, "monday/readings.csv")
    [run] = wait_for("the run", lambda: runs(machine))
    assert App(machine.url).wait_for_end(run["run_id"])["phase"] == "Completed"
    assert not list(dead_letters.rglob("*.json"))


def test_without_the_excluded_paths_an_event_is_lost_at_once(
    machine: LocalMachine, sign_in: SignIn, dead_letters: Path
) -> None:
    sign_in.excluded = ()
    publish(machine, "monday/readings.csv")
    tally = machine.grid.tally(SUBSCRIPTION)
    assert (tally.dead_lettered, tally.delivered, tally.waiting) == (1, 0, 0)
    [record] = [json.loads(path.read_text())[0] for path in dead_letters.rglob("*.json")]
    assert (record["deadLetterReason"], record["deliveryAttempts"]) == (
        "UndeliverableDueToHttpUnauthorized",
        1,
    )
    assert runs(machine) == []


def test_the_status_url_of_a_start_needs_no_login(sign_in: SignIn) -> None:
    request = sample_request(deployment="noop")
    started = requests.post(f"{sign_in.url}/api/batch-runs", json=request, headers=LOGIN, timeout=60)
    assert started.status_code == 202
    address = started.json()["statusQueryGetUri"].replace(sign_in.app, sign_in.url)
    assert requests.get(address, timeout=60).json()["instanceId"] == request["run_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/batch-runs"),
        ("GET", "/api/batch-runs"),
        ("GET", "/api/rules"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/monitor"),
        ("POST", "/admin/functions/housekeeping"),
    ],
)
def test_all_else_needs_a_login_besides_the_key(
    machine: LocalMachine, sign_in: SignIn, method: str, path: str
) -> None:
    def call(headers: dict[str, str]) -> int:
        body: dict[str, Any] = {"input": ""} if path.startswith("/admin") else sample_request()
        return requests.request(
            method, f"{sign_in.url}{path}", json=body, headers=headers, timeout=60
        ).status_code

    assert call(KEY) == 401
    assert runs(machine) == []
    assert call(KEY | LOGIN) in (200, 202)


@pytest.mark.parametrize(("token", "code"), [(TOKEN, 0), ("", 5)], ids=["with-token", "without"])
def test_a_run_is_followed_with_a_token(
    machine: LocalMachine, sign_in: SignIn, token: str, code: int
) -> None:
    run_id = App(machine.url).start(deployment="noop")
    shown = subprocess.run(
        [sys.executable, "-m", "client", "follow", run_id, "--url", sign_in.url, "--interval", "0.1"],
        cwd=ROOT,
        env={**os.environ, "BATCH_FUNCTION_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == code
    assert ("BATCH_FUNCTION_TOKEN" in shown.stderr) == (code != 0)
    assert TOKEN not in shown.stdout + shown.stderr
