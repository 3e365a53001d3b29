"""Follows a run until it has ended, and shows how it goes: drawn anew on a terminal, as lines elsewhere."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text

from local.follow_view import block, line, summary
from local.run_client import NotReadable, RunClient, View

ENDED_RUNTIME_STATUSES = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
PATIENCE = 60.0
"""Seconds for which an app that does not answer is asked again."""
_REDRAW = 0.25


class Left(Exception):
    """The person left; the run goes on."""


@dataclass(frozen=True, slots=True)
class Follower:
    """``interval`` and ``limit`` are in seconds; ``as_json`` prints the run, one line for each change."""

    client: RunClient
    console: Console
    interval: float = 2.0
    limit: float = float("inf")
    as_json: bool = False

    def follow(self, run_id: str) -> View:
        """The run as it ended.

        Raises Left after Ctrl-C, NotReadable if the run can not be read, TimeoutError after ``limit``.
        """
        live = self.console.is_terminal and not self.as_json
        while True:
            try:
                return self._draw(run_id) if live else self._print(run_id)
            except KeyboardInterrupt:
                if not live or not self._goes_on(run_id):
                    raise Left from None

    def _draw(self, run_id: str) -> View:
        with Live(console=self.console, auto_refresh=False) as live:
            for view, trouble in self._views(run_id):
                live.update(block(view, trouble), refresh=True)
        return view

    def _print(self, run_id: str) -> View:
        shown = ""
        for view, trouble in self._views(run_id):
            what = json.dumps(view) if self.as_json else trouble or summary(view)
            if what != shown:
                self.console.out(what if self.as_json or trouble else line(view), highlight=False)
                shown = what
        return view

    def _goes_on(self, run_id: str) -> bool:
        """Asks what Ctrl-C was meant to say. True to go on watching; a second Ctrl-C means to leave."""
        question = Text("Cancel the job (c), leave it running (l), or go on watching (Enter)? ", style="bold")
        try:
            answer = self.console.input(question).strip().lower()
        except (KeyboardInterrupt, EOFError):
            return False
        if answer in ("c", "cancel"):
            try:
                self.client.cancel(run_id)
            except NotReadable as refusal:
                self.console.print(f"Not canceled: {refusal}", markup=False)
        return answer not in ("l", "leave")

    def _views(self, run_id: str) -> Iterator[tuple[View, str]]:
        """The run and what keeps it from being read, for each time it may be drawn."""
        began = answered = time.monotonic()
        view, trouble, due = None, "", 0.0
        while time.monotonic() < began + self.limit:
            if time.monotonic() >= due:
                try:
                    view, trouble = self.client.run(run_id), ""
                    answered = time.monotonic()
                except NotReadable as error:
                    if not error.passing or time.monotonic() > answered + PATIENCE:
                        raise
                    trouble = str(error)
                due = time.monotonic() + self.interval
            if view is not None:
                yield view, trouble
                if view["runtime_status"] in ENDED_RUNTIME_STATUSES:
                    return
            time.sleep(min(_REDRAW, self.interval))
        raise TimeoutError(f"Run {run_id} did not end within {self.limit:.0f} s.")
