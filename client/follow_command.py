"""The command ``follow``: options, exit codes, and what it prints at the end."""

import argparse
import sys

from rich.console import Console

from client.app_options import ENVIRONMENT, add_url_to, client_of
from client.follow import Follower, Left
from client.follow_view import studio_url
from client.phases import exit_code, exit_codes
from client.run_client import NotReadable

NOT_READABLE = 5
LEFT = 130

_DESCRIPTION = f"""\
Follows one run of any deployed app until it ends.

On a terminal it redraws one block; elsewhere it prints one line for each change.
Ctrl-C asks whether to cancel the job, to leave, or to go on watching.

{ENVIRONMENT}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "follow",
        help="follow one run until it ends",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_exit_codes(),
    )
    command.add_argument("run_id", metavar="RUN_ID", help="the run_id of the request that started the run")
    add_url_to(command)
    command.add_argument(
        "--interval", type=float, default=2.0, metavar="SECONDS", help="time between two reads (default 2)"
    )
    command.add_argument(
        "--json", action="store_true", help="print the run as JSON, one line for each change"
    )


def run(arguments: argparse.Namespace) -> int:
    """The exit code says how the run ended."""
    console = Console(soft_wrap=True)
    follower = Follower(
        client_of(arguments), console, interval=max(arguments.interval, 0.1), as_json=arguments.json
    )
    try:
        view = follower.follow(arguments.run_id)
    except Left:
        print(f"Run {arguments.run_id} continues.", file=sys.stderr)
        return LEFT
    except NotReadable as error:
        print(error, file=sys.stderr)
        return NOT_READABLE
    # On a terminal the block shows it.
    if view["error"] and not arguments.json and not console.is_terminal:
        said = (view["error"]["message"], view["error"]["advice"], studio_url(view))
        print("\n".join(each for each in said if each), file=sys.stderr)
    return exit_code(view["phase"])


def _exit_codes() -> str:
    meanings = {
        **{code: f"the run ended {' or '.join(phases)}" for code, phases in exit_codes().items()},
        NOT_READABLE: "the run cannot be read",
        LEFT: "left with Ctrl-C; the run continues",
    }
    return "\n".join(["exit codes:", *(f"  {code:<3}  {meaning}" for code, meaning in meanings.items())])
