"""What runs feel of others whose reads hang, and of a token that does not come: the whole app over HTTP."""

import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import requests

from benchmarks.measuring import wait_until
from benchmarks.report import Bar, Figure
from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig

_CLIENTS = 4
_LIMIT = 120.0
_PAUSE = 0.1
_TIMEOUT = 60.0


class RunAndJob(NamedTuple):
    run_id: str
    job: str


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of runs; of the healthy ones some are canceled. ``interval`` and ``seconds`` of measuring."""

    healthy: int
    canceled: int
    silent: int
    trickling: int
    interval: int
    seconds: float


_FULL = Size(healthy=100, canceled=4, silent=20, trickling=6, interval=5, seconds=45)
_QUICK = Size(healthy=6, canceled=1, silent=2, trickling=1, interval=1, seconds=3)


@dataclass(frozen=True, slots=True)
class Observed:
    """In seconds. ``gaps``: the longest of each healthy run; ``cancels``: until one arrived at Azure ML."""

    gaps: Sequence[float]
    cancels: Sequence[float]
    lists: Sequence[float]
    held: int


Disturb = Callable[[LocalMachine, Sequence[RunAndJob]], int]
"""Gets the runs that it may disturb; returns how many requests it holds, once they hang."""


def figure(quick: bool) -> Figure:
    size = _QUICK if quick else _FULL
    alone = _observe(size, size.healthy, lambda machine, runs: 0)
    reads = _observe(size, size.healthy + size.silent + size.trickling, _hanging_reads(size))
    token = _observe(size, size.healthy + 1, _hanging_token, cancels=False)
    return Figure(
        title=f"{size.healthy} healthy runs, one check every {size.interval} s each, beside what hangs",
        columns=("", "longest gap, intervals", "cancel, intervals", "GET /api/batch-runs, s", "held"),
        rows=[
            _row("alone", alone, size),
            _row(f"{size.silent} reads without an answer, {size.trickling} that trickle", reads, size),
            _row("a token for ARM that does not come", token, size),
        ],
        bars=[
            Bar("longest gap between two checks, in intervals", max(reads.gaps) / size.interval, 2),
            Bar(
                "slowest cancel until it is at Azure ML, in intervals", max(reads.cancels) / size.interval, 1
            ),
            Bar("slowest list of runs, s", max(reads.lists), 1),
            Bar("longest gap without the token, in intervals", max(token.gaps) / size.interval, 2),
            Bar("slowest list of runs without the token, s", max(token.lists), 1),
        ],
        notes=[
            f"Each row is the worst of {size.seconds:.0f} s, "
            f"{size.canceled} cancels and {len(reads.lists)} lists. A cancel needs the token that does not come."
        ],
    )


def _row(name: str, seen: Observed, size: Size) -> list[str]:
    cancel = f"{max(seen.cancels) / size.interval:.2f}" if seen.cancels else "-"
    return [name, f"{max(seen.gaps) / size.interval:.2f}", cancel, f"{max(seen.lists):.3f}", str(seen.held)]


def _hanging_reads(size: Size) -> Disturb:
    def disturb(machine: LocalMachine, runs: Sequence[RunAndJob]) -> int:
        actions = ["hold"] * size.silent + ["trickle"] * size.trickling
        faults = [
            machine.control.fault("get_job", action, job=run.job, times=None)
            for run, action in zip(runs, actions, strict=True)
        ]
        for fault in faults:
            machine.control.wait_at_gate(fault, limit=_LIMIT)
        return len(faults)

    return disturb


def _hanging_token(machine: LocalMachine, runs: Sequence[RunAndJob]) -> int:
    control = machine.control
    fault = control.fault("identity", "hold", audience=machine.azure_ml.arm_audience, times=None)
    _cancel(machine, runs[0])
    control.wait_at_gate(fault, limit=_LIMIT)
    return 1


def _observe(size: Size, count: int, disturb: Disturb, *, cancels: bool = True) -> Observed:
    with _machine() as machine:
        runs = _started(machine, count, size.interval)
        healthy, others = runs[: size.healthy], runs[size.healthy :]
        held = disturb(machine, others)
        to_cancel = healthy[: size.canceled] if cancels else []
        began = time.time()
        lists: list[float] = []
        canceled_at: dict[str, float] = {}
        while (due := began + len(lists) * size.interval / 2) < began + size.seconds:
            time.sleep(max(0.0, due - time.time()))
            lists.append(_seconds_of_list(machine))
            if len(canceled_at) < len(to_cancel):
                run = to_cancel[len(canceled_at)]
                canceled_at[run.job] = time.time()
                _cancel(machine, run)
        ended = time.time()
        checks = _arrivals(machine.control, "get_job")
        wait_until(
            lambda: canceled_at.keys() <= _arrivals(machine.control, "cancel").keys(),
            "every cancel",
            _LIMIT,
            _PAUSE,
        )
        arrived = _arrivals(machine.control, "cancel")
        return Observed(
            gaps=[_longest_gap(checks[run.job], began, ended) for run in healthy if run not in to_cancel],
            cancels=[arrived[job][0] - moment for job, moment in canceled_at.items()],
            lists=lists,
            held=held,
        )


@contextmanager
def _machine() -> Iterator[LocalMachine]:
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalMachine(MachineConfig(Path(folder))) as machine,
    ):
        machine.control.hold("Running")
        try:
            yield machine
        finally:
            # The host waits for its threads when it stops.
            machine.control.reset()


def _longest_gap(checks: Sequence[float], began: float, ended: float) -> float:
    """Also that before the first check and that after the last one."""
    moments = [began, *(moment for moment in checks if began < moment < ended), ended]
    return max(later - earlier for earlier, later in itertools.pairwise(moments))


def _arrivals(control: ControlClient, operation: str) -> Mapping[str, list[float]]:
    """When requests about each job arrived."""
    times: dict[str, list[float]] = defaultdict(list)
    for request in control.requests(operation):
        times[request["path"].removesuffix("/cancel").rpartition("/")[2]].append(request["time"])
    return times


def _started(machine: LocalMachine, count: int, interval: int) -> list[RunAndJob]:
    """Once each has been checked."""
    with ThreadPoolExecutor(_CLIENTS) as clients:
        list(clients.map(lambda number: _start(machine, number, interval), range(count)))

    def checked() -> list[RunAndJob]:
        return [RunAndJob(run["run_id"], run["job"]["name"]) for run in _runs(machine) if run["checks"]]

    wait_until(lambda: len(checked()) == count, "a check of each run", _LIMIT, _PAUSE)
    return checked()


def _start(machine: LocalMachine, number: int, interval: int) -> None:
    request = {
        "run_id": f"isolated-{number:04}",
        "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
        "deployment": "noop",
        "poll_interval": interval,
    }
    requests.post(f"{machine.url}/api/batch-runs", json=request, timeout=_TIMEOUT).raise_for_status()


def _cancel(machine: LocalMachine, run: RunAndJob) -> None:
    requests.post(f"{machine.url}/api/batch-runs/{run.run_id}/cancel", timeout=_TIMEOUT).raise_for_status()


def _seconds_of_list(machine: LocalMachine) -> float:
    began = time.perf_counter()
    requests.get(f"{machine.url}/api/batch-runs", timeout=_TIMEOUT).raise_for_status()
    return time.perf_counter() - began


def _runs(machine: LocalMachine) -> list[dict[str, Any]]:
    answer = requests.get(f"{machine.url}/api/batch-runs", params={"top": "200"}, timeout=_TIMEOUT)
    answer.raise_for_status()
    runs: list[dict[str, Any]] = answer.json()["runs"]
    return runs
