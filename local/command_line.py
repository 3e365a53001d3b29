"""From the arguments of ``python -m local`` to a command and its exit code."""

import argparse
import sys
from io import TextIOWrapper

from local import follow_command, run_command, serve_command
from local.host_process import HostDidNotStart
from local.run_client import NotReadable

COMMANDS = {"run": run_command, "serve": serve_command, "follow": follow_command}


def run(description: str | None) -> int:
    """Leaves KeyboardInterrupt to the caller."""
    parser = argparse.ArgumentParser(prog="python -m local", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS.values():
        command.add_to(commands)
    arguments = parser.parse_args()
    if isinstance(sys.stdout, TextIOWrapper):
        # Names of files may be no text that the terminal's encoding knows.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = COMMANDS[arguments.command].run(arguments)
    except (HostDidNotStart, NotReadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return code
