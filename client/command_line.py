"""Runs the command that the arguments of ``python -m client`` or ``python -m local`` name."""

import os
import signal
import sys
from collections.abc import Mapping

INTERRUPTED = 130


class CommandFailed(Exception):
    """The command cannot do what it was asked for; the text states the reason."""


def main(program: str, description: str | None, commands: Mapping[str, str]) -> int:
    """The exit code. ``commands`` maps each command's name to its module, with functions ``add_to`` and ``run``."""
    # The imports of a command take a second, and need no cleanup: Ctrl-C ends the process at once.
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    import argparse
    from importlib import import_module
    from io import TextIOWrapper

    asked_for = sys.argv[1] if len(sys.argv) > 1 else ""
    # Loads only the command that is asked for: the modules of the others take a second.
    names = [asked_for] if asked_for in commands else list(commands)
    modules = {name: import_module(commands[name]) for name in names}
    try:
        signal.signal(signal.SIGINT, before)
        parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
        subparsers = parser.add_subparsers(dest="command", required=True)
        for module in modules.values():
            module.add_to(subparsers)
        arguments = parser.parse_args()
        if isinstance(sys.stdout, TextIOWrapper):
            # A file name may hold characters that the encoding of the terminal lacks.
            sys.stdout.reconfigure(errors="backslashreplace")
        code: int = modules[arguments.command].run(arguments)
    except (CommandFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # The process is about to exit: it ignores a second Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return INTERRUPTED
    return code
