"""``python -m tools.screenshot``: takes the picture of the monitor page that the README shows.

It starts the local machine, brings runs over ``samples/data`` into different states, opens ``/api/monitor`` in
Chromium and writes ``docs/images/monitor.png``. Every row of the picture is a real run on the local host. Durable
time passes 60 times as fast as real time, so the runs look as long as they are in Azure.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import sync_playwright

from local.azure_ml import Phase
from local.host_process import ROOT
from local.machine import Events, LocalMachine, MachineConfig

PICTURE = ROOT / "docs" / "images" / "monitor.png"
SIZE = {"width": 1360, "height": 736}
"""Pixels. With a width of 1280 or less the detail covers the list."""

TIME_SCALE = 60.0
PACE = (Phase("Preparing", 1.5), Phase("Running", 4.0), Phase("Finalizing", 1.0))
NEW_DATA = {
    "NEW_DATA_CONTAINER": "incoming",
    "NEW_DATA_SUFFIX": ".csv",
    "NEW_DATA_START": "folder",
    "NEW_DATA_QUIET_SECONDS": "60",
}
LONGEST_WAIT = 60.0
"""Seconds of real time for one condition."""

Run = dict[str, Any]


class Scene:
    """Runs in different states, on a machine that is up."""

    def __init__(self, machine: LocalMachine) -> None:
        self._machine = machine
        self._url = f"{machine.url}/api/batch-runs"

    def play(self) -> str:
        """Returns the id of the run whose detail the picture shows."""
        self._completed("readings-north")
        self._failed("backfill-2025")
        self._completed("readings-south")
        self._out_of_time("readings-west")
        self._canceled("what-if-tariff-b")
        self._new_data("monday")
        self._queued("challenger-model", deployment="challenger")
        self._running("readings-east")
        opened = self._new_data("tuesday", ends=False)
        self._pause(100)
        return opened

    def _completed(self, run_id: str) -> None:
        self._start(run_id)
        self._wait_for(run_id, "Completed")
        self._pause(3_600)

    def _failed(self, run_id: str) -> None:
        self._start(run_id, endpoint_input_uri="azureml://datastores/samples/paths/2025/")
        self._wait_for(run_id, "Failed")
        self._pause(7_200)

    def _out_of_time(self, run_id: str) -> None:
        hold = self._machine.control.hold("Preparing")
        self._start(run_id, queue_timeout=600)
        self._wait_for(run_id, "TimedOut")
        self._machine.control.release(hold)
        self._pause(2_400)

    def _canceled(self, run_id: str) -> None:
        self._start(run_id)
        self._wait_for(run_id, "Running")
        requests.post(f"{self._url}/{run_id}/cancel", timeout=60).raise_for_status()
        self._wait_for(run_id, "Canceled")
        self._pause(1_800)

    def _queued(self, run_id: str, **fields: Any) -> None:
        self._start(run_id, **fields)
        job = self._wait_for(run_id, "Queued")["job"]["name"]
        self._machine.control.hold("Preparing", job)
        self._pause(240)

    def _running(self, run_id: str) -> None:
        self._start(run_id)
        job = self._wait_for(run_id, "Queued")["job"]["name"]
        self._machine.control.hold("Running", job)
        self._wait_for(run_id, "Running")
        self._pause(120)

    def _new_data(self, folder: str, *, ends: bool = True) -> str:
        shutil.copytree(ROOT / "samples" / "data", self._machine.incoming / folder)

        def started() -> str | None:
            runs = requests.get(self._url, timeout=60).json()["runs"]
            ids = [run["run_id"] for run in runs if run["source"] and run["source"]["folder"] == folder]
            return ids[0] if ids else None

        run_id = str(_wait(f"a run over the folder {folder}", started))
        self._wait_for(run_id, "Completed" if ends else "Running")
        if ends:
            self._pause(900)
        return run_id

    def _start(self, run_id: str, **fields: Any) -> None:
        request = {
            "run_id": run_id,
            "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
            "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
            **fields,
        }
        requests.post(self._url, json=request, timeout=60).raise_for_status()

    def _wait_for(self, run_id: str, phase: str) -> Run:
        def reached() -> Run | None:
            run: Run = requests.get(f"{self._url}/{run_id}", timeout=60).json()
            return run if run["phase"] == phase else None

        run: Run = _wait(f"{run_id} in phase {phase}", reached)
        return run

    def _pause(self, seconds: int) -> None:
        self._machine.clock.skip(seconds)


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("The command chromium is missing: run make browser.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        config = MachineConfig(
            Path(folder), pace=PACE, time_scale=TIME_SCALE, events=Events(), settings=NEW_DATA
        )
        with LocalMachine(config) as machine:
            opened = Scene(machine).play()
            machine.clock.run(0)
            _take(machine, opened, chromium)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1024} KB")
    return 0


def _take(machine: LocalMachine, run_id: str, chromium: str) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for the user root, as in a container.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, locale="en-GB", timezone_id="Europe/Berlin")  # type: ignore[arg-type]
        page.clock.set_fixed_time(machine.clock.now())
        page.goto(f"{machine.url}/api/monitor#/runs/{run_id}")
        page.locator("#timeline").wait_for()
        page.get_by_text("Live", exact=True).wait_for()
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURE, animations="disabled", caret="hide")
        browser.close()


def _wait(what: str, look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not come within {LONGEST_WAIT:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
