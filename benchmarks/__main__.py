"""Measures everything side by side in one run, and prints a table for each figure."""

import argparse
import sys
import time
from collections.abc import Callable

from rich.console import Console

from benchmarks import (
    cold_start,
    cost_of_waiting,
    isolation,
    job_end,
    list_of_runs,
    start_cost,
    thousand_waiting,
    throughput,
)
from benchmarks.report import Figure, Verdict, show

FIGURES: dict[str, Callable[[bool], Figure]] = {
    "waiting": cost_of_waiting.figure,
    "throughput": throughput.figure,
    "cold-start": cold_start.figure,
    "thousand": thousand_waiting.figure,
    "job-end": job_end.figure,
    "isolation": isolation.figure,
    "start": start_cost.figure,
    "list": list_of_runs.figure,
}
_WIDTH = 124


def main() -> int:
    """Exit code 1 if a bar is missed."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    missed = 0
    for name in arguments.only or FIGURES:
        started = time.monotonic()
        figure = FIGURES[name](arguments.quick)
        show(console, figure, judged=not arguments.quick)
        missed += sum(bar.verdict is Verdict.MISSED for bar in figure.bars)
        print(f"{name}: measured in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 1 if missed and not arguments.quick else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=FIGURES, metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="small sizes, no bars: shows only that it works")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
