"""The command ``follow``: options, exit codes, and what it prints at the end."""

import argparse
import json
import os
import sys
from dataclasses import replace

from rich.console import Console

from client.app_address import AppAddress, looks_like_address
from client.app_options import ENVIRONMENT, add_url_to, address_of, client_at, is_of_another_app
from client.command_line import CommandFailed
from client.follow import Follower, Left
from client.follow_view import to_copy
from client.phases import exit_code, exit_codes
from client.run_client import RunClient
from client.run_list import lines, runs_under_way

NOT_READABLE = 5
LEFT = 130

_DESCRIPTION = f"""\
Follows one run of any deployed app until it ends. Without a run it lists those
under way.

On a terminal it redraws one block; elsewhere it prints one line for each change.
Ctrl-C asks whether to cancel the job, to leave, or to go on watching.

{ENVIRONMENT}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "follow",
        # As tools/follow says, which starts this command from any folder.
        prog=os.environ.get("FOLLOW_CALLED_AS"),
        help="follow one run until it ends",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_exit_codes(),
    )
    command.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        help="its run_id, or its address: from the monitor page, runUri or statusQueryGetUri",
    )
    add_url_to(command)
    command.add_argument(
        "--interval", type=float, default=2.0, metavar="SECONDS", help="time between two reads (default 2)"
    )
    command.add_argument(
        "--json",
        action="store_true",
        help="print runs as JSON, one in a line; for one run a line for each change",
    )


def run(arguments: argparse.Namespace) -> int:
    """The exit code says how the run ended."""
    try:
        client, run_id = _asked_for(arguments)
        return _follow(client, run_id, arguments) if run_id else _list(client, as_json=arguments.json)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return NOT_READABLE


def _asked_for(arguments: argparse.Namespace) -> tuple[RunClient, str | None]:
    if arguments.run is None or not looks_like_address(arguments.run):
        address = address_of(arguments)
        return client_at(address), arguments.run or address.run_id
    address = AppAddress.parse(arguments.run)
    if arguments.url and address_of(arguments).root != address.root:
        raise CommandFailed(f"{address.root} is not the app of --url.")
    client = client_at(address)
    if client.has_secrets and arguments.url is None and is_of_another_app(address):
        print(
            f"BATCH_FUNCTION_URL is another app than {address.root}, which gets no key and no token.",
            file=sys.stderr,
        )
        client = replace(client, key=None, token=None)
    return client, address.run_id


def _follow(client: RunClient, run_id: str, arguments: argparse.Namespace) -> int:
    console = Console(soft_wrap=True)
    follower = Follower(client, console, interval=max(arguments.interval, 0.1), as_json=arguments.json)
    try:
        view = follower.follow(run_id)
    except Left:
        print(f"Run {run_id} continues.", file=sys.stderr)
        return LEFT
    # On a terminal the block shows it.
    if view["error"] and not arguments.json and not follower.redraws:
        print(
            view["error"]["message"],
            view["error"]["advice"],
            *to_copy(view).values(),
            sep="\n",
            file=sys.stderr,
        )
    return exit_code(view["phase"])


def _list(client: RunClient, *, as_json: bool) -> int:
    runs, more = runs_under_way(client)
    if as_json:
        for view in runs:
            print(json.dumps(view))
        return 0
    for line in lines(runs):
        print(line)
    if more:
        print("There are more: see the monitor page.", file=sys.stderr)
    print(
        f"To follow one: {os.environ.get('FOLLOW_CALLED_AS', 'python -m client follow')} RUN"
        if runs
        else "No run is under way.",
        file=sys.stderr,
    )
    return 0


def _exit_codes() -> str:
    meanings = {
        **{code: f"the run ended {' or '.join(phases)}" for code, phases in exit_codes().items()},
        NOT_READABLE: "the run cannot be read",
        LEFT: "left with Ctrl-C; the run continues",
    }
    return "\n".join(["exit codes:", *(f"  {code:<3}  {meaning}" for code, meaning in meanings.items())])
