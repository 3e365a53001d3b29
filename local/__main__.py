"""``python -m local run`` scores a folder once, ``serve`` keeps everything up, ``follow`` watches a run."""

import argparse
import sys
from importlib import import_module

from local.host_process import HostDidNotStart
from local.run_client import NotReadable

COMMANDS = ("run", "serve", "follow")


def main() -> int:
    asked_for = sys.argv[1] if len(sys.argv) > 1 else ""
    # Only what is needed is loaded: who follows a run must not wait for all of Azure ML.
    names = [asked_for] if asked_for in COMMANDS else COMMANDS
    modules = {name: import_module(f"local.{name}_command") for name in names}
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for module in modules.values():
        module.add_to(commands)
    arguments = parser.parse_args()
    try:
        code: int = modules[arguments.command].run(arguments)
    except (HostDidNotStart, NotReadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
