"""Samples and their spread, waits, processes for the contestants, and memory."""

import json
import math
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
_CHILD_LIMIT = 600.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of some samples."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        return cls(statistics.median(samples), min(samples), max(samples))

    def text(self, digits: int = 2) -> str:
        if self.low == self.high:
            return f"{self.median:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"  # noqa: RUF001


def median_interval(samples: Sequence[float], confidence: float = 0.95) -> Spread:
    """The median, and an interval that holds the true median with at least this confidence.

    That of the sign test: its ends are samples. Timings of a busy machine have a long tail, which would widen a
    standard error; this interval ignores how far out a sample lies. Fewer than six samples cannot give 95 %: then
    it is their whole range (75 % for three).
    """
    ordered, count = sorted(samples), len(samples)
    rank, tail = 1, 0.5**count
    while 2 * (tail := tail + math.comb(count, rank) * 0.5**count) <= 1 - confidence:
        rank += 1
    return Spread(statistics.median(ordered), ordered[rank - 1], ordered[-rank])


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least ``percent`` of the samples do not exceed."""
    ordered = sorted(samples)
    rank = -int(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def wait_until(condition: Callable[[], bool], what: str, limit: float, pause: float) -> None:
    """Looks every ``pause`` seconds. Raises TimeoutError, which names ``what``, after ``limit`` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit:.0f} s: {what}")
        time.sleep(pause)


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a fresh interpreter in the project's folder, with ``environment`` instead of this one if given.

    Raises RuntimeError with the end of what it printed.
    """
    command = [sys.executable, *arguments]
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        command,
        cwd=ROOT,
        env=environment or None,
        capture_output=True,
        text=True,
        timeout=_CHILD_LIMIT,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3_000:]}")
    return done


def contestant(name: str, *arguments: object, **environment: str) -> Any:
    """Runs a module of ``benchmarks.contestants`` as a process. Returns what it printed as JSON."""
    module = f"benchmarks.contestants.{name}"
    return json.loads(run_python("-m", module, *map(str, arguments), **environment).stdout)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process in MB, now and at its peak."""

    now: float
    peak: float

    @classmethod
    def of(cls, process: int | str = "self") -> Self:
        status = Path(f"/proc/{process}/status").read_text()
        kilobytes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", status, re.MULTILINE))
        return cls(int(kilobytes["VmRSS"]) / 1024, int(kilobytes["VmHWM"]) / 1024)
