"""From the arguments of ``python -m local`` to a command and its exit code."""

import argparse
import sys
from importlib import import_module
from io import TextIOWrapper

from local.host_process import HostDidNotStart
from local.run_client import NotReadable

COMMANDS = ("run", "serve", "follow")


def run(description: str | None) -> int:
    """Leaves KeyboardInterrupt to the caller."""
    asked_for = sys.argv[1] if len(sys.argv) > 1 else ""
    # Only what is needed is loaded: who follows a run must not wait for all of Azure ML.
    names = [asked_for] if asked_for in COMMANDS else COMMANDS
    modules = {name: import_module(f"local.{name}_command") for name in names}
    parser = argparse.ArgumentParser(prog="python -m local", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    for module in modules.values():
        module.add_to(commands)
    arguments = parser.parse_args()
    if isinstance(sys.stdout, TextIOWrapper):
        # Names of files may be no text that the terminal's encoding knows.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = modules[arguments.command].run(arguments)
    except (HostDidNotStart, NotReadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return code
