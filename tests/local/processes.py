"""Processes for tests of the commands: find them by their parent, read until a line, end them in time."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from local.host_process import ROOT
from tests.end_to_end.harness import wait_for

LIMIT = 60.0


@contextmanager
def started(
    *arguments: str,
    stdin: int | None = None,
    limit: float = LIMIT,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    """Python with these arguments. Killed at the end of the block or after ``limit``, so that reading always ends.

    ``environment`` adds to that of this process.
    """
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        killer = threading.Timer(limit, process.kill)
        killer.start()
        try:
            yield process
        finally:
            killer.cancel()
            process.kill()


def end_of(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, and the rest of both streams, which must fit a pipe."""
    assert process.stdout is not None and process.stderr is not None
    output, errors = process.stdout.read(), process.stderr.read()
    return process.wait(), output, errors


def child_of(parent: int, command: str) -> int:
    """The pid of the parent's child whose command line contains ``command``; waits for it."""

    def look() -> int | None:
        found = subprocess.run(
            ["pgrep", "-P", str(parent), "-f", command], capture_output=True, text=True, check=False
        ).stdout.split()
        return int(found[0]) if found else None

    return wait_for(f"a child {command} of {parent}", look)


def lines_until(stream: IO[str] | None, pattern: str) -> list[str]:
    """The lines up to the first that matches ``pattern``. Fails if the stream ends first."""
    assert stream is not None
    lines = []
    for line in stream:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"{pattern} was not printed, but:\n{''.join(lines)}")
