"""Processes as the tests of the commands meet them: found by their parent, read until a line."""

import re
import subprocess
from typing import IO

from tests.end_to_end.harness import wait_for


def child_of(parent: int, command: str) -> int:
    """The pid of the parent's child whose command line has ``command`` in it, as soon as there is one."""

    def look() -> int | None:
        found = subprocess.run(
            ["pgrep", "-P", str(parent), "-f", command], capture_output=True, text=True, check=False
        ).stdout.split()
        return int(found[0]) if found else None

    return wait_for(f"a child {command} of {parent}", look)


def lines_until(stream: IO[str], pattern: str) -> list[str]:
    """The lines up to the first that matches. Fails if the stream ends before."""
    lines = []
    for line in stream:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"{pattern} was not printed, but:\n{''.join(lines)}")
