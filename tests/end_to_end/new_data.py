"""Blob events for the tests of new data, and machines with rules."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from local.azure_ml import Phase
from local.event_grid import Container, Event, blob_created
from local.machine import Events, LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App
from tests.waiting import wait_for

CONTAINER = Container("localdata", "incoming")

QUIET = 60

BUSY_LIMIT = 240.0
"""Seconds. Five hundred events take more than a minute on a busy machine; only a test that fails waits so long."""


def rule(**fields: Any) -> dict[str, Any]:
    """A folder rule; ``fields`` replace or add."""
    return {
        "container": "incoming",
        "start": "folder",
        "quiet_seconds": QUIET,
        "longest_wait_seconds": 3_600,
        "deployment": "noop",
        "poll_interval": 1,
    } | fields


@contextmanager
def machine_with(state: Path, *rules: dict[str, Any], **events: Any) -> Iterator[LocalMachine]:
    config = MachineConfig(
        state,
        pace=(Phase("Preparing", 0.0), Phase("Running", 0.0), Phase("Finalizing", 0.0)),
        settings={"NEW_DATA_RULES": json.dumps(rules)},
        events=Events(**{"watch": False, **events}),
        time_scale=TIME_SCALE,
    )
    with LocalMachine(config) as machine:
        machine.incoming.mkdir(exist_ok=True)
        yield machine


def uploaded(machine: LocalMachine, path: str, content: str = "a,b\n1,2\n", version: int = 1) -> Event:
    """Writes the file and returns the event that announces it."""
    file = machine.incoming / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return blob_created(CONTAINER, path, "PutBlob", len(content), 1_790_000_000_000_000_000 + version * 1_000)


def deliver(machine: LocalMachine, *events: dict[str, Any]) -> requests.Response:
    """Sends the events to the webhook, in one request."""
    return requests.post(
        f"{machine.url}/runtime/webhooks/eventgrid?functionName=new_data",
        json=list(events),
        headers={"aeg-event-type": "Notification"},
        timeout=60,
    )


def runs(machine: LocalMachine, below: str = "") -> list[dict[str, Any]]:
    """All runs, or those over folders whose names begin with ``below``, once their status shows the folder."""
    found: list[dict[str, Any]] = App(machine.url).list(top=200).json()["runs"]
    return [
        run for run in found if not below or (run["source"] and run["source"]["folder"].startswith(below))
    ]


def predictions(machine: LocalMachine, run: dict[str, Any]) -> list[str]:
    """The lines of the output that nobody named: below the folder and the day."""
    place = machine.azure_ml.datastores["workspaceblobstore"] / "batch-runs" / run["source"]["folder"]
    [file] = place.glob(f"20??-??-??/{run['run_id']}/predictions.csv")
    return file.read_text().splitlines()


def jobs(machine: LocalMachine) -> int:
    return int(machine.control.counters().get("invoke", {"jobs": 0})["jobs"])


def windows(machine: LocalMachine, status: str) -> int:
    """How many windows of new data are in that runtime status."""
    url = f"{machine.url}/runtime/webhooks/durabletask/instances/"
    query = {"instanceIdPrefix": "window-", "runtimeStatus": status, "top": 10_000, "showInput": "false"}
    return len(requests.get(url, params=query, timeout=60).json())


def gathered(machine: LocalMachine) -> int:
    """How many blobs are in windows that have not closed yet."""
    url = f"{machine.url}/runtime/webhooks/durabletask/entities/folder_window"
    found = requests.get(url, params={"fetchState": "true"}, timeout=60).json()
    windows = [entity["state"] for entity in found if entity["state"]]
    return sum(window["source"]["count"] for window in windows if not window.get("closed"))


def close_windows(machine: LocalMachine, blobs: int, quiet: int = QUIET) -> None:
    """Lets the quiet period pass once all the blobs are gathered. The caller stops the clock before."""
    machine.grid.wait_until_idle(BUSY_LIMIT)
    wait_for("all blobs to be in their windows", lambda: gathered(machine) == blobs, BUSY_LIMIT)
    machine.clock.skip(quiet)
    machine.clock.run(TIME_SCALE)
    wait_until_quiet(machine)


def wait_until_quiet(machine: LocalMachine, limit: float = BUSY_LIMIT) -> None:
    """Every event is delivered, every window has closed, every run has ended."""
    machine.grid.wait_until_idle(limit)
    wait_for("all windows to close", lambda: windows(machine, "Pending,Running") == 0, limit)
    ended = ("Completed", "Failed")
    wait_for("all runs to end", lambda: all(r["runtime_status"] in ended for r in runs(machine)), limit)
