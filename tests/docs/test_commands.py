"""Each command of the documentation, and each request of api.http, on one machine."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from local.event_grid import Container
from local.machine import Events, LocalMachine, MachineConfig
from tests.docs.pages import PAGES, ROOT, blocks
from tests.end_to_end.harness import TIME_SCALE, App
from tests.waiting import wait_for

DOCUMENTED_REFUSALS = {"cancel": 409}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    config = MachineConfig(
        tmp_path_factory.mktemp("docs"),
        events=Events(watch=False),
        settings={"NEW_DATA_CONTAINER": "incoming", "NEW_DATA_START": "file"},
        time_scale=TIME_SCALE,
    )
    with LocalMachine(config) as machine:
        yield machine


def commands() -> list[Any]:
    return [
        pytest.param(block.text, id=f"{path.stem}-{number}")
        for path in PAGES
        for number, block in enumerate(blocks(path))
        if block.language == "bash" and path.name != "deployment.md"
    ]


@pytest.mark.parametrize("command", commands())
def test_each_command_works(machine: LocalMachine, command: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "APP": machine.url,
        "BATCH_FUNCTION_KEY": "not-needed-here",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


VARIABLES, *REQUESTS = (ROOT / "api.http").read_text().split("\n### ")


def send(machine: LocalMachine, ready_request: str) -> requests.Response:
    variables = dict(re.findall(r"^@(\w+) = (.+)$", VARIABLES, re.MULTILINE))
    assert variables["topic"] == Container("localdata", "incoming").topic
    for name, value in {**variables, "host": machine.url}.items():
        ready_request = ready_request.replace("{{" + name + "}}", value)
    _title, *lines = ready_request.splitlines()
    head, _, body = "\n".join(line for line in lines if not line.startswith("#")).partition("\n\n")
    first, *header_lines = head.splitlines()
    method, url = first.split(" ", 1)
    headers = dict(line.split(": ", 1) for line in header_lines if line)
    return requests.request(method, url, headers=headers, data=body.encode() or None, timeout=60)


@pytest.mark.parametrize("ready_request", REQUESTS, ids=lambda text: text.splitlines()[0].partition(".")[0])
def test_each_ready_request_is_taken(machine: LocalMachine, ready_request: str) -> None:
    assert send(machine, REQUESTS[0]).ok  # the run that others are about; a second time changes nothing
    answer = send(machine, ready_request)

    called = urlsplit(answer.url).path.rpartition("/")[2]
    assert answer.ok or answer.status_code == DOCUMENTED_REFUSALS.get(called), answer.text


def test_the_sample_events_start_runs(machine: LocalMachine) -> None:
    for event in (text for text in REQUESTS if "BlobCreated" in text):
        assert send(machine, event).ok

    def started() -> set[str]:
        runs = App(machine.url).list().json()["runs"]
        return {run["source"]["folder"] for run in runs if run["source"]}

    wait_for("the runs of both files", lambda: started() >= {"monday", "tuesday"})
