"""Many runs that wait at once, on one machine: the whole app over HTTP, with the emulated Azure ML."""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from batch.run.phases import PHASES
from batch.timestamps import parse_timestamp
from benchmarks.measuring import Memory, percentile, wait_until
from benchmarks.report import Bar, Figure
from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig

CLIENTS = 4
_PAGE = 200
_LIMIT = 300.0
_PAUSE = 0.5
_TIMEOUT = 60.0

RunView = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observed:
    """Times in seconds. ``lateness`` is the delay of each check behind the time that its run announced."""

    starts: list[float]
    all_waiting: float
    lateness: list[float]
    drained: float
    idle: Memory
    waiting: Memory
    ended: Counter[str]
    jobs: int
    owners: int


def figure(quick: bool) -> Figure:
    count, interval = (10, 1) if quick else (1_000, 30)
    seen = _observe(count, interval)
    return Figure(
        title=f"{count:,} runs that wait at once, one check every {interval} s each",
        columns=("", "p50", "p99", "greatest"),
        rows=[
            ["answer to a start, ms", *_quantiles(seen.starts)],
            ["check behind its due time, ms", *_quantiles(seen.lateness)],
        ],
        bars=[
            Bar("runs that ended Completed", seen.ended["Completed"], count, at_least=True),
            Bar("runs with a job of their own", seen.owners, count, at_least=True),
            Bar("jobs that the endpoint created", seen.jobs, count),
        ],
        notes=[
            f"{CLIENTS} clients started them, {seen.all_waiting:.0f} s until the last job ran; "
            f"all had ended {seen.drained:.0f} s after their jobs were released.",
            f"Memory of the host: {seen.idle.now:.0f} MB idle, {seen.waiting.now:.0f} MB with all waiting, "
            f"{seen.waiting.peak:.0f} MB at its peak. {len(seen.lateness):,} checks were timed.",
        ],
    )


def _observe(count: int, interval: int) -> Observed:
    with tempfile.TemporaryDirectory() as folder, LocalMachine(MachineConfig(Path(folder))) as machine:
        control, api = machine.control, f"{machine.url}/api/batch-runs"
        idle = Memory.of(machine.host.pid)
        hold = control.hold("Running")
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            starts = list(clients.map(lambda number: _start(api, number, interval), range(count)))
        wait_until(lambda: len(_running(api)) == count, "every job running", _LIMIT, _PAUSE)
        all_waiting = time.monotonic() - began
        lateness = _lateness(api, control)
        waiting = Memory.of(machine.host.pid)
        control.release(hold)
        released = time.monotonic()
        wait_until(
            lambda: all(PHASES[run["phase"]].ended for run in _runs(api)),
            "the end of every run",
            _LIMIT,
            _PAUSE,
        )
        drained = time.monotonic() - released
        runs = list(_runs(api))
        return Observed(
            starts=starts,
            all_waiting=all_waiting,
            lateness=lateness,
            drained=drained,
            idle=idle,
            waiting=waiting,
            ended=Counter(run["phase"] for run in runs),
            jobs=control.counters()["invoke"]["jobs"],
            owners=len({run["job"]["name"] for run in runs if run["job"]}),
        )


def _start(api: str, number: int, interval: int) -> float:
    """Seconds until the answer 202."""
    request = {
        "run_id": f"waiting-{number:04}",
        "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
        "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
        "deployment": "noop",
        "poll_interval": interval,
    }
    started = time.perf_counter()
    answer = requests.post(api, json=request, timeout=_TIMEOUT)
    seconds = time.perf_counter() - started
    if answer.status_code != 202:
        raise RuntimeError(f"The start was answered {answer.status_code}: {answer.text}")
    return seconds


def _lateness(api: str, control: ControlClient) -> list[float]:
    """Of the next check of each run, as it arrives at the endpoint."""
    announced = _running(api)
    last_due = max(due for _, _, due in announced)

    def arrivals() -> dict[str, list[float]]:
        times: dict[str, list[float]] = defaultdict(list)
        for request in control.requests("get_job"):
            times[request["path"].rpartition("/")[2]].append(request["time"])
        return times

    time.sleep(max(0.0, last_due - time.time()))
    wait_until(lambda: _all_arrived(announced, arrivals()), "the next check of every run", _LIMIT, _PAUSE)
    seen = arrivals()
    return [seen[job][checks] - due for job, checks, due in announced]


def _all_arrived(announced: list[tuple[str, int, float]], seen: Mapping[str, list[float]]) -> bool:
    return all(len(seen[job]) > checks for job, checks, _ in announced)


def _running(api: str) -> list[tuple[str, int, float]]:
    """Job, checks so far and the moment of the next check, of each run whose job is running."""
    found = []
    for run in _runs(api):
        due = parse_timestamp(run["next_check_at"])
        if run["phase"] == "Running" and due:
            found.append((run["job"]["name"], run["checks"], due.timestamp()))
    return found


def _runs(api: str) -> Iterator[RunView]:
    continuation: str | None = None
    while True:
        query = {"top": str(_PAGE), **({"continuation": continuation} if continuation else {})}
        answer = requests.get(api, params=query, timeout=_TIMEOUT)
        answer.raise_for_status()
        page = answer.json()
        yield from page["runs"]
        if (continuation := page["continuation"]) is None:
            return


def _quantiles(seconds: list[float]) -> list[str]:
    return [f"{percentile(seconds, percent) * 1000:,.0f}" for percent in (50, 99, 100)]
