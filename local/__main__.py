"""``python -m local run`` scores a folder once, ``serve`` keeps everything up, ``follow`` watches a run."""

import argparse
import sys

from local import follow_command, run_command, serve_command
from local.host_process import HostDidNotStart
from local.run_client import NotReadable

COMMANDS = {"run": run_command, "serve": serve_command, "follow": follow_command}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS.values():
        command.add_to(commands)
    arguments = parser.parse_args()
    try:
        code: int = COMMANDS[arguments.command].run(arguments)
    except (HostDidNotStart, NotReadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
