"""Follows a run over HTTP until it has ended, and shows how it goes."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import requests
from rich.console import Console
from rich.live import Live
from rich.table import Table

from batch.timestamps import parse_timestamp

View = dict[str, Any]

_INTERVAL = 0.25
_ENDED = frozenset({"Completed", "Failed", "Canceled", "TimedOut", "Terminated"})
_COLORS = {"Completed": "green", "Failed": "red", "Canceled": "yellow", "TimedOut": "red"}


def follow(run_uri: str, console: Console, limit: float = 86_400) -> View:
    """The run as it ended. Redraws one block on a terminal; elsewhere prints a line for each change.

    Raises TimeoutError after ``limit`` seconds, requests.RequestException if the run can not be read.
    """
    if not console.is_terminal:
        return _print_changes(run_uri, console, limit)
    with Live(console=console, auto_refresh=False) as live:
        for view in _views(run_uri, limit):
            live.update(_block(view), refresh=True)
    return view


def _print_changes(run_uri: str, console: Console, limit: float) -> View:
    shown = ""
    for view in _views(run_uri, limit):
        line = f"{view['phase']:<11} job {_job(view)}"
        if line != shown:
            console.print(f"{_elapsed(view):>7}  {line}  checks {view['checks']}", highlight=False)
            shown = line
    return view


def _views(run_uri: str, limit: float) -> Iterator[View]:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        answer = requests.get(run_uri, timeout=30)
        answer.raise_for_status()
        view: View = answer.json()
        yield view
        if view["phase"] in _ENDED and view["runtime_status"] in ("Completed", "Failed", "Terminated"):
            return
        time.sleep(_INTERVAL)
    raise TimeoutError(f"{run_uri} did not end within {limit:.0f} s")


def _block(view: View) -> Table:
    phase = view["phase"]
    block = Table.grid(padding=(0, 2))
    block.add_row("run", view["run_id"])
    block.add_row("phase", f"[bold {_COLORS.get(phase, 'cyan')}]{phase}[/]")
    block.add_row("job", _job(view))
    block.add_row("elapsed", _elapsed(view))
    block.add_row("checks", f"{view['checks']}{_next_check(view)}")
    if trouble := view["error"] or view["problem"]:
        block.add_row("error" if view["error"] else "problem", trouble["message"])
    return block


def _job(view: View) -> str:
    job = view["job"]
    return f"{job['name']} {job['status']}" if job else "-"


def _elapsed(view: View) -> str:
    started, ended = parse_timestamp(view["started_at"]), parse_timestamp(view["ended_at"])
    seconds = ((ended or datetime.now(UTC)) - started).total_seconds() if started else 0.0
    return f"{max(seconds, 0.0):.1f} s"


def _next_check(view: View) -> str:
    due = parse_timestamp(view["next_check_at"])
    left = (due - datetime.now(UTC)).total_seconds() if due else 0.0
    return f", next in {left:.0f} s" if left >= 1 else ""
