"""An app whose callers reach it under the address of a gateway, and one that believes no header that claims so."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.callers.web import Web
from tests.end_to_end.harness import TIME_SCALE, App, sample_request
from tests.served import served
from tests.waiting import LIMIT, wait_for

PREFIX = "/scoring/v1"
ROUTED = ("/api/", "/runtime/webhooks/durabletask/")
FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "Forwarded": "host=evil.example",
}


class Gateway(ThreadingHTTPServer):
    """Does what the documentation asks of a gateway, and names itself in the headers as gateways do."""

    app = ""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{PREFIX}"


class Forward(BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        path = self.path.removeprefix(PREFIX)
        if not self.path.startswith(PREFIX) or not path.startswith(ROUTED):
            self.send_error(404)
            return
        headers = {"X-Forwarded-Host": self.headers["Host"], "Content-Type": "application/json"}
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = requests.request(
            self.command, f"{self.server.app}{path}", headers=headers, data=sent or None, timeout=60
        )
        self.send_response(answer.status_code)
        for name in answer.headers.keys() & {"Location", "Retry-After"}:
            # The durable extension gives, with each 202, the address under which the gateway called it.
            value = answer.headers[name].replace(self.server.app, self.server.base)
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway(("127.0.0.1", 0), Forward)
    with served(server):
        yield server


def test_every_address_leads_through_the_gateway(gateway: Gateway, own_state: Path) -> None:
    base = gateway.base
    settings = {"PUBLIC_BASE_URL": base, "DURABLE_MANAGEMENT_URLS": "true"}
    with LocalMachine(MachineConfig(own_state, settings=settings, time_scale=TIME_SCALE)) as machine:
        gateway.app = machine.url
        machine.control.hold("Running")
        answer = requests.post(f"{base}/api/batch-runs", json=sample_request(deployment="noop"), timeout=60)
        links = answer.json()
        run_id = links.pop("id")
        assert list(links)[:3] == ["runUri", "cancelPostUri", "statusQueryGetUri"]
        assert {"terminatePostUri", "purgeHistoryDeleteUri"} <= links.keys()
        assert not [name for name, address in links.items() if not address.startswith(f"{base}/")]
        assert requests.get(links["runUri"], timeout=60).json()["run_id"] == run_id
        App(machine.url).wait_for_phase(run_id, "Running")
        assert requests.post(links["cancelPostUri"], timeout=60).status_code == 202
        App(machine.url).wait_for_end(run_id)
        assert requests.get(links["statusQueryGetUri"], timeout=60).status_code == 200
        assert requests.get(answer.headers["Location"], timeout=60).status_code == 500
        document = requests.get(f"{base}/api/openapi.json", timeout=60).json()
        assert document["servers"] == [{"url": f"{base}/api"}]


def test_a_caller_follows_the_202_through_the_gateway(gateway: Gateway, own_state: Path) -> None:
    web = Web({})
    config = MachineConfig(own_state, settings={"PUBLIC_BASE_URL": gateway.base}, time_scale=TIME_SCALE)
    with LocalMachine(config) as machine:
        gateway.app = machine.url
        held = machine.control.hold("Running")
        request = sample_request(deployment="noop")
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(
                web.call, "POST", f"{gateway.base}/api/batch-runs", None, request, follows=True
            )
            wait_for("a later 202", lambda: len(web.calls) > 2)
            machine.control.release(held)
            status = following.result(LIMIT)
    assert (status["instanceId"], status["runtimeStatus"]) == (request["run_id"], "Completed")
    assert not [call.url for call in web.calls if not call.url.startswith(f"{gateway.base}/")]


def test_without_the_setting_a_header_chooses_no_address(app: App) -> None:
    answer = app.post(sample_request(deployment="noop"), headers=FORWARDED)
    links = answer.json()
    app.wait_for_end(links.pop("id"))
    assert not [address for address in links.values() if not address.startswith(f"{app.url}/")]
    assert answer.headers["Location"].startswith(f"{app.url}/")
    document = requests.get(f"{app.url}/api/openapi.json", headers=FORWARDED, timeout=60).json()
    assert document["servers"] == [{"url": f"{app.url}/api"}]
