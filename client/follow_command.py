"""``python -m client follow RUN_ID``: watches a run of any deployed app.

The app's address comes from ``--url`` or BATCH_FUNCTION_URL, its key from BATCH_FUNCTION_KEY and from nowhere
else: an argument would be seen in the list of processes.
"""

import argparse
import os
import sys

from rich.console import Console

from client.follow import Follower, Left
from client.run_client import NotReadable, RunClient

EXIT_CODES = {"Completed": 0, "Failed": 1, "Canceled": 3, "TimedOut": 4, "Terminated": 1}
NOT_READABLE = 5
LEFT = 130
DEFAULT_URL = "http://localhost:7071"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "follow",
        help="watch a run of any deployed app until it ends",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit code: 0 Completed, 1 Failed or Terminated, 3 Canceled, 4 TimedOut,"
        f" {NOT_READABLE} the run can not be read, {LEFT} left with Ctrl-C while it goes on",
    )
    command.add_argument("run_id")
    command.add_argument("--url", default=os.environ.get("BATCH_FUNCTION_URL", DEFAULT_URL))
    command.add_argument("--interval", type=float, default=2.0, help="seconds between two looks, default 2")
    command.add_argument("--json", action="store_true", help="the run as JSON, one line for each change")


def run(arguments: argparse.Namespace) -> int:
    """The exit code says how the run ended."""
    client = RunClient(arguments.url, os.environ.get("BATCH_FUNCTION_KEY") or None)
    console = Console(soft_wrap=True)
    follower = Follower(client, console, interval=max(arguments.interval, 0.1), as_json=arguments.json)
    try:
        view = follower.follow(arguments.run_id)
    except Left:
        print(f"Run {arguments.run_id} goes on.", file=sys.stderr)
        return LEFT
    except NotReadable as error:
        print(error, file=sys.stderr)
        return NOT_READABLE
    # On a terminal the block has told it.
    if view["error"] and not arguments.json and not console.is_terminal:
        print(f"{view['error']['message']}\n{view['error']['advice']}", file=sys.stderr)
    return EXIT_CODES.get(view["phase"], 1)
