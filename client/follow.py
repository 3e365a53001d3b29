"""Follows a run until it has ended, and shows how it goes: drawn anew on a terminal, as lines elsewhere."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.console import Console
from rich.live import Live
from rich.text import Text

from client.follow_view import block, line, problem_code, summary
from client.run_client import NotReadable, RunClient, View

ENDED_PHASES = frozenset({"Completed", "Failed", "Canceled", "TimedOut", "Terminated"})
ENDED_RUNTIME_STATUSES = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
PATIENCE = 60.0
"""Seconds for which an app that does not answer is asked again."""
_REDRAW = 0.25


class Left(Exception):
    """The person left before the end; a deployed run goes on."""


@dataclass(slots=True)
class Follower:
    """``interval`` and ``limit`` are in seconds; ``as_json`` prints the run, one line for each change.

    ``own_machine``: the run can not outlive this process, and the caller tells why it failed.
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

        Raises Left after Ctrl-C (KeyboardInterrupt if the run was never read), NotReadable if the run can not
        be read, TimeoutError after ``limit``.
        """
        live = self.console.is_terminal and not self.as_json
        while True:
            try:
                return self._draw(run_id) if live else self._print(run_id)
            except KeyboardInterrupt:
                if self._view is None:
                    raise
                if not live or not self._goes_on(run_id):
                    raise Left from None

    def _draw(self, run_id: str) -> View:
        with Live(console=self.console, auto_refresh=False) as live:
            try:
                for view, trouble in self._views(run_id):
                    live.update(block(view, trouble, with_error=not self.own_machine), refresh=True)
            except NotReadable:
                # The caller tells; what stays on the screen must not tell it again.
                live.update(block(self._view), refresh=True)
                raise
        return self._ended()

    def _print(self, run_id: str) -> View:
        shown, problem = "", ""
        for view, trouble in self._views(run_id):
            if view is None or trouble:
                if trouble != shown:
                    print(trouble, file=sys.stderr if self.as_json else sys.stdout, flush=True)
                shown = trouble
                continue
            what = json.dumps(view) if self.as_json else summary(view)
            if what != shown:
                print(what if self.as_json else line(view, problem), flush=True)
            shown, problem = what, problem_code(view)
        return self._ended()

    def _ended(self) -> View:
        assert self._view is not None
        return self._view

    def _goes_on(self, run_id: str) -> bool:
        """Asks what Ctrl-C was meant to say. True to go on watching; a second Ctrl-C means to leave."""
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
        """The run, once it could be read, and what keeps it from being read, for each time it may be drawn."""
        began = answered = time.monotonic()
        until, trouble, due = _clock_in(PATIENCE), "", 0.0
        while time.monotonic() < began + self.limit:
            if time.monotonic() >= due:
                try:
                    self._view, trouble = self.client.run(run_id), ""
                    answered, until = time.monotonic(), _clock_in(PATIENCE)
                except NotReadable as error:
                    if not error.passing or time.monotonic() > answered + PATIENCE:
                        raise
                    trouble = f"{str(error).rstrip('.')}; trying until {until}"
                due = time.monotonic() + self.interval
            if self._view is not None or trouble:
                yield self._view, trouble
                if not trouble and _has_ended(self._ended()):
                    return
            time.sleep(min(_REDRAW, self.interval))
        raise TimeoutError(f"Run {run_id} did not end within {self.limit:.0f} s.")


def _has_ended(view: View) -> bool:
    """A run tells its outcome a little before the runtime does, or much before where a host was killed."""
    return view["phase"] in ENDED_PHASES or view["runtime_status"] in ENDED_RUNTIME_STATUSES


def _clock_in(seconds: float) -> str:
    return f"{datetime.now().astimezone() + timedelta(seconds=seconds):%H:%M:%S}"
