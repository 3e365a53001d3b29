"""Follows a run until it ends: as a block that is redrawn on a terminal, as one line for each change elsewhere."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.console import Console
from rich.live import Live
from rich.text import Text

from client.follow_view import block, line, summary
from client.phases import has_ended
from client.run_client import NotReadable, RunClient, View

PATIENCE = 60.0
"""Seconds for which the follower retries while the app does not answer."""
_REDRAW = 0.25


class Left(Exception):
    """The user left before the end; the run of a deployed app continues."""


@dataclass(slots=True)
class Follower:
    """``interval`` and ``limit`` are in seconds; ``as_json`` prints the run, one line for each change.

    ``own_machine``: the run ends with this process, and the caller reports why it failed.
    """

    client: RunClient
    console: Console
    interval: float = 2.0
    limit: float = float("inf")
    as_json: bool = False
    own_machine: bool = False
    _view: View | None = field(default=None, init=False)

    def follow(self, run_id: str) -> View:
        """The run as it ended.

        Raises Left after Ctrl-C (KeyboardInterrupt if the run was never read), NotReadable if the run cannot
        be read, TimeoutError after ``limit``.
        """
        live = self.console.is_terminal and not self.as_json
        while True:
            try:
                return self._draw(run_id) if live else self._print(run_id)
            except KeyboardInterrupt:
                if self._view is None:
                    raise
                if not live or not self._watch_on(run_id):
                    raise Left from None

    def _draw(self, run_id: str) -> View:
        with Live(console=self.console, auto_refresh=False) as live:
            try:
                for view, trouble in self._views(run_id):
                    live.update(block(view, trouble, with_error=not self.own_machine), refresh=True)
            except NotReadable:
                # The caller reports the error; the block on the screen must not repeat it.
                live.update(block(self._view), refresh=True)
                raise
        return self._ended()

    def _print(self, run_id: str) -> View:
        shown, before = "", None
        for view, trouble in self._views(run_id):
            if view is None or trouble:
                if trouble != shown:
                    print(trouble, file=sys.stderr if self.as_json else sys.stdout, flush=True)
                shown = trouble
                continue
            what = json.dumps(view) if self.as_json else summary(view)
            if what != shown:
                print(what if self.as_json else line(view, before), flush=True)
            shown, before = what, view
        return self._ended()

    def _ended(self) -> View:
        assert self._view is not None
        return self._view

    def _watch_on(self, run_id: str) -> bool:
        """Asks what to do after Ctrl-C. True to go on watching; a second Ctrl-C leaves."""
        leave = "" if self.own_machine else "leave it running (l), "
        question = Text(f"Cancel the job (c), {leave}or go on watching (Enter)? ", style="bold")
        try:
            answer = self.console.input(question).strip().lower()
        except (KeyboardInterrupt, EOFError):
            return False
        if answer in ("c", "cancel"):
            try:
                self.client.cancel(run_id)
            except NotReadable as refusal:
                self.console.print(f"Not canceled: {refusal}", markup=False)
        return self.own_machine or answer not in ("l", "leave")

    def _views(self, run_id: str) -> Iterator[tuple[View | None, str]]:
        """For each redraw: the run, None before its first read, and why it cannot be read now."""
        began = answered = time.monotonic()
        until, trouble, due = _clock_in(PATIENCE), "", 0.0
        while time.monotonic() < began + self.limit:
            if time.monotonic() >= due:
                try:
                    self._view, trouble = self.client.run(run_id), ""
                    answered, until = time.monotonic(), _clock_in(PATIENCE)
                except NotReadable as error:
                    if not error.transient or time.monotonic() > answered + PATIENCE:
                        raise
                    trouble = f"{str(error).rstrip('.')}; trying until {until}"
                due = time.monotonic() + self.interval
            if self._view is not None or trouble:
                yield self._view, trouble
                if not trouble and has_ended(self._ended()):
                    return
            time.sleep(min(_REDRAW, self.interval))
        raise TimeoutError(f"Run {run_id} did not end within {self.limit:.0f} s.")


def _clock_in(seconds: float) -> str:
    return f"{datetime.now().astimezone() + timedelta(seconds=seconds):%H:%M:%S}"
