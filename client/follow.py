"""Follows a run until it ends: as a block that is redrawn on a terminal, as one line for each change elsewhere."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.console import Console
from rich.text import Text

from client.follow_view import block, line, outputs, summary, to_copy
from client.phases import has_ended
from client.redrawn_block import RedrawnBlock
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
        while True:
            try:
                return self._draw(run_id) if self.redraws else self._print(run_id)
            except KeyboardInterrupt:
                if self._view is None:
                    raise
                if not self.redraws or not self._watch_on(run_id):
                    raise Left from None

    @property
    def redraws(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal and not self.as_json

    def _draw(self, run_id: str) -> View:
        drawn = RedrawnBlock(self.console)
        with drawn.shown():
            try:
                for view, trouble in self._views(run_id):
                    drawn.draw(block(view, trouble, with_error=not self.own_machine))
            except NotReadable:
                # The caller reports the error; the block on the screen must not repeat it.
                drawn.draw(block(self._view), last=True)
                raise
            drawn.draw(block(self._view, with_error=not self.own_machine), last=True)
        self._print_to_copy()
        return self._ended()

    def _print_to_copy(self) -> None:
        """Below the block, where the terminal itself continues a long line: what is copied there is one line."""
        if self.own_machine or self._view is None:
            return
        for text in (*to_copy(self._view).values(), *outputs(self._view)):
            self.console.print(text, soft_wrap=True, markup=False, highlight=False)

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
        if self.own_machine or answer not in ("l", "leave"):
            return True
        self._print_to_copy()
        return False

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
