"""The command that lists runs again when the ledger is lost."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import App
from tests.end_to_end.new_data import runs

NOBODY = "http://127.0.0.1:9"


def rebuild(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "client", "rebuild", "--url", url],
        cwd=ROOT,
        env={**os.environ, "BATCH_FUNCTION_KEY": "", "BATCH_FUNCTION_TOKEN": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def listed(machine: LocalMachine) -> list[tuple[str, str, str]]:
    """Each run as it must be listed again, with its job."""
    return [(run["run_id"], run["phase"], run["job"]["name"]) for run in runs(machine)]


def test_runs_of_a_lost_ledger_are_listed_again_in_order_of_time(own_state: Path) -> None:
    with LocalMachine(MachineConfig(own_state)) as machine:
        app = App(machine.url)
        completed = app.start(run_id="c-first", deployment="noop")
        app.wait_for_end(completed)
        failed = app.start(
            run_id="a-second", endpoint_input_uri="azureml://datastores/samples/paths/nothing/"
        )
        app.wait_for_end(failed)
        hold = machine.control.hold("Running")
        running = app.start(run_id="b-third")
        app.wait_for_phase(running, "Running")
        before = listed(machine)
        assert [run[:2] for run in before] == [
            (running, "Running"),
            (failed, "Failed"),
            (completed, "Completed"),
        ]

        machine.host.stop()
        ledger_file.delete(own_state)
        machine.host.start()
        # The run that goes on lists itself again at its next check.
        assert {run for run, *_ in listed(machine)} <= {running}
        first = rebuild(machine.url)
        assert (first.returncode, first.stderr) == (0, "")
        assert re.search(r"^in all: \d+ instances read, \d runs? added$", first.stdout, re.MULTILINE)
        assert listed(machine) == before
        assert rebuild(machine.url).stdout.splitlines()[-1].endswith(", 0 runs added")
        assert listed(machine) == before

        machine.control.release(hold)
        assert app.wait_for_end(running)["phase"] == "Completed"
        assert listed(machine)[0][:2] == (running, "Completed")


def test_an_error_ends_the_command_with_its_reason() -> None:
    done = rebuild(NOBODY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{NOBODY} does not answer: connection refused.\n"
    refused = rebuild("http://app.example", BATCH_FUNCTION_KEY="s3cr3t-function-key")
    assert refused.returncode == 1
    assert refused.stderr == "http://app.example is not https, so no key and no token is sent there.\n"


@pytest.mark.parametrize(
    ("params", "wrong"),
    [({"continuation": "made-up"}, "continuation"), ({"top": "5"}, "top")],
)
def test_a_wrong_parameter_is_a_bad_request(app: App, params: dict[str, Any], wrong: str) -> None:
    answer = requests.post(f"{app.url}/api/ledger/rebuild", params=params, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [wrong]
