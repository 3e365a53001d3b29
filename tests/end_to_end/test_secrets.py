"""No token, secret or Authorization header is kept: not in the store, the status, the log or an error."""

import re
from pathlib import Path

import pytest
import requests

from local.azure_ml import Identity
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App

JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")


@pytest.mark.parametrize("identity", ["managed-identity", "secret"])
def test_no_secret_is_stored(identity: Identity, own_state: Path) -> None:
    echo = "You sent Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4eHh4eHh4In0.c2lnbmF0dXJl"
    with LocalMachine(MachineConfig(own_state, identity=identity, time_scale=TIME_SCALE)) as machine:
        app, control = App(machine.url), machine.control
        runs = [app.start(deployment="noop")]
        app.wait_for_end(runs[-1])
        # At each step the service repeats what it was sent.
        control.fault("get_job", "answer", status=500, body="text", text=echo, times=2)
        runs.append(app.start(deployment="noop"))
        app.wait_for_end(runs[-1])
        control.fault("invoke", "answer", status=400, body="text", text=echo, times=1)
        runs.append(app.start(deployment="noop"))
        app.wait_for_end(runs[-1])
        statuses = [
            requests.get(
                f"{machine.url}/runtime/webhooks/durabletask/instances/{run_id}",
                params={"showHistory": "true", "showHistoryOutput": "true", "showInput": "true"},
                timeout=60,
            ).content
            for run_id in runs
        ]
        secrets = _secrets(machine)
        calls = control.requests()

    assert any(call["authorization"] for call in calls), "tokens were used"
    places = {
        "store": b"".join(path.read_bytes() for path in own_state.glob("task_hub.db*")),
        "log": machine.host.log.read_bytes(),
        "status": b"".join(statuses),
    }
    assert b"[redacted]" in places["status"], "the echo was redacted"
    for place, content in places.items():
        assert len(content) > 1_000, place
        assert not JWT.search(content), place
        assert b"Bearer ey" not in content, place
        for secret in secrets:
            assert secret not in content, place


def _secrets(machine: LocalMachine) -> list[bytes]:
    info = machine.azure_ml
    secrets = [one.client_secret for one in info.principals.values() if one.client_secret]
    return [secret.encode() for secret in [*secrets, info.identity_header]]
