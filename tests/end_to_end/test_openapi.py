"""A client that knows only the OpenAPI document sends requests that it allows, and requests that it forbids."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import App

PLATFORM_CHECKS = "unsupported_method,allow_header_conformance"
"""A wrong method gets the platform's 404, without an Allow header, before the app is called."""


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app of its own, because so many runs would disturb the lists of other tests."""
    with LocalMachine(MachineConfig(tmp_path_factory.mktemp("flooded"))) as machine:
        yield App(machine.url)


def openapi_document(app: App) -> dict[str, Any]:
    answer = requests.get(f"{app.url}/api/openapi.json", timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    document: dict[str, Any] = answer.json()
    return document


def test_the_document_names_this_server_and_its_endpoint(flooded: App) -> None:
    document = openapi_document(flooded)
    request = document["components"]["schemas"]["BatchRunRequest"]
    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": f"{flooded.url}/api"}])
    flooded.start(endpoint_uri=request["properties"]["endpoint_uri"]["enum"][0])


def test_the_document_holds_for_every_request_of_a_client(flooded: App, tmp_path: Path) -> None:
    document = openapi_document(flooded)
    # As with the Core Tools, no key is needed here; in Azure the platform requires it.
    del document["security"]
    local_document = tmp_path / "openapi.json"
    local_document.write_text(json.dumps(document))

    client = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("st")), "run", str(local_document)),
            *("--url", f"{flooded.url}/api", "--exclude-checks", PLATFORM_CHECKS),
            *("--max-examples", "40", "--seed", "1", "--generation-database", "none", "--no-color"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.end_to_end.schemathesis_hooks",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert client.returncode == 0, client.stdout[-8_000:] + client.stderr[-2_000:]
    operations = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {operations}" in client.stdout


def test_a_made_up_continuation_is_a_bad_request(flooded: App) -> None:
    answer = flooded.list(continuation="made-up")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == ["continuation"]
