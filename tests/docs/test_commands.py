"""Each command of the documentation runs, and each request of api.http, on one machine."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import tree_sitter_powershell
from tree_sitter import Language, Parser

from local.event_grid import Container
from local.machine import Events, LocalMachine, MachineConfig
from tests.docs.pages import DOCUMENTS, PAGES, ROOT, anywhere, blocks
from tests.end_to_end.harness import TIME_SCALE, App
from tests.served import served
from tests.waiting import wait_for

NEED_AZURE = {"deployment.md", "sign-in.md", "when-azd-up-fails.md"}
DOCUMENTED_REFUSALS = {"cancel": 409, "rerun": 409}


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
        if block.language == "bash" and path.name not in NEED_AZURE
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
    assert list(tmp_path.iterdir()) == [], "left behind where the reader happened to be"


class ThreePages(BaseHTTPRequestHandler):
    """A list of runs that does not fit one page; the last page but one is empty, as a page may be."""

    PAGES: ClassVar = {"": (200, "to the+2nd"), "to the+2nd": (0, "last"), "last": (7, None)}

    def do_GET(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        count, continuation = self.PAGES[asked.get("continuation", "")]
        runs = [{"phase": "Queued"}] * count if "Queued" in asked["phase"].split(",") else []
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"runs": runs, "continuation": continuation}).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_what_is_under_way_is_counted_to_the_last_page() -> None:
    [counting] = [block.text for block in anywhere("bash") if "under way" in block.text]
    with served(ThreadingHTTPServer(("127.0.0.1", 0), ThreePages)) as url:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", counting],
            env={**os.environ, "APP": url, "BATCH_FUNCTION_KEY": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("207 runs under way\n", "")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_need_azure_are_at_least_well_formed(path: Path) -> None:
    for block in blocks(path):
        if block.language == "bash":
            subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
        if block.language == "powershell":
            tree = Parser(Language(tree_sitter_powershell.language())).parse(block.text.encode())
            assert not tree.root_node.has_error, block.text


def test_the_queries_ask_for_what_is_logged() -> None:
    code = "".join(
        path.read_text()
        for folder in ("batch", "triggers", "activities")
        for path in (ROOT / folder).rglob("*.py")
    )
    queries = [block.text for block in anywhere("kusto")]
    events = {event for query in queries for event in re.findall(r'startswith "(\w+)"', query)}
    fields = {field for query in queries for field in re.findall(r'@"(\w+)=', query)}
    assert events and fields
    assert all(f'"{event}"' in code for event in events)
    assert all(re.search(rf"\b{field}=", code) for field in fields)


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
    if answer.status_code == 202 and called == "batch-runs":
        ended = App(machine.url).wait_for_end(answer.json()["id"])
        assert ended["phase"] == "Completed", ended["error"]


def test_the_sample_events_start_runs(machine: LocalMachine) -> None:
    for event in (text for text in REQUESTS if "BlobCreated" in text):
        assert send(machine, event).ok

    def started() -> set[str]:
        runs = App(machine.url).list().json()["runs"]
        return {run["source"]["folder"] for run in runs if run["source"]}

    wait_for("the runs of both files", lambda: started() >= {"monday", "tuesday"})
