"""What a hook prints, and how it ends. Each line appears at once, also where it goes through a pipe."""

import sys
from collections.abc import Callable
from typing import NoReturn

_INTERRUPTED = 130
"""The exit code by which shells know a program that Ctrl-C ended."""


def say(text: str) -> None:
    # A Windows console may lack a character of a message of Azure.
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def end_with(hook: Callable[[], int], if_interrupted: str) -> NoReturn:
    """Runs the hook. It returns the exit code."""
    try:
        sys.exit(hook())
    except KeyboardInterrupt:
        say(f"Interrupted. {if_interrupted}")
        sys.exit(_INTERRUPTED)
