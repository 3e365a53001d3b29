"""How soon a run ends after its job: with Azure ML's events, and by polling alone."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from benchmarks.measuring import Spread
from benchmarks.report import Bar, Figure
from local.machine import Events, LocalMachine, MachineConfig

_PAUSE = 0.01
_LIMIT = 60.0


def figure(quick: bool) -> Figure:
    count, interval = (2, 2) if quick else (8, 8)
    with_events, polled = _delays(count, interval, events=True), _delays(count, interval, events=False)
    return Figure(
        title=f"From the end of a job to the end of its run, s ({count} runs, poll_interval {interval} s)",
        columns=("", "median (least … greatest)"),
        rows=[
            ["with job events", Spread.of(with_events).text()],
            ["polling alone", Spread.of(polled).text()],
        ],
        # A promise about each run, in whole seconds: so the slowest is judged, and noise is small against the bars.
        bars=[
            Bar("the slowest run with events, s", max(with_events), 2.0),
            Bar("the slowest run without, in intervals", max(polled) / interval, 1.25),
        ],
    )


def _delays(count: int, interval: int, *, events: bool) -> list[float]:
    """The jobs end at different moments of the intervals of their runs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalMachine(MachineConfig(Path(folder), events=Events(watch=False, jobs=events))) as machine,
    ):
        return [_delay(machine, f"run-{number}", interval, number / count) for number in range(count)]


def _delay(machine: LocalMachine, run_id: str, interval: int, moment: float) -> float:
    hold = machine.control.hold("Running")
    api = f"{machine.url}/api/batch-runs"
    request = {
        "run_id": run_id,
        "deployment": "noop",
        "poll_interval": interval,
        "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
    }
    requests.post(api, json=request, timeout=_LIMIT).raise_for_status()
    waiting = _until(lambda: (view := _view(api, run_id))["next_check_at"] and view)
    time.sleep(interval * moment)
    machine.control.release(hold)
    machine.control.wait_for_status(waiting["job"]["name"], "Completed", limit=_LIMIT)
    job_ended = time.monotonic()
    _until(lambda: _view(api, run_id)["phase"] == "Completed")
    return time.monotonic() - job_ended


def _view(api: str, run_id: str) -> dict[str, Any]:
    answer = requests.get(f"{api}/{run_id}", timeout=_LIMIT)
    answer.raise_for_status()
    view: dict[str, Any] = answer.json()
    return view


def _until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(_PAUSE)
    raise TimeoutError(f"not within {_LIMIT:.0f} s")
