"""The command ``rebuild``: lists the runs again that the task hub has and the ledger does not."""

import argparse
import sys

from client.app_options import ENVIRONMENT, add_url_to, client_of
from client.run_client import NotReadable

FAILED = 1

_DESCRIPTION = f"""\
Lists the runs again that the task hub has and the ledger does not: runs of a
version without a ledger, or of a ledger that was lost.

It reads the whole task hub, part by part, prints a line for each part, and
changes no run. It may be stopped and repeated.

{ENVIRONMENT}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "rebuild",
        help="list runs again that only the task hub knows",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_url_to(command)


def run(arguments: argparse.Namespace) -> int:
    client = client_of(arguments)
    parts = instances = added = 0
    continuation = None
    while parts == 0 or continuation:
        try:
            part = client.rebuild_part(continuation)
        except NotReadable as error:
            again = "What was added stays. Run the command again: it reads the task hub from its begin."
            print(f"{error}\n{again}" if parts else error, file=sys.stderr)
            return FAILED
        parts += 1
        instances, added = instances + part["instances"], added + part["added"]
        continuation = part["continuation"]
        print(f"part {parts}: {_counts(part['instances'], part['added'])}", flush=True)
    print(f"in all: {_counts(instances, added)}")
    return 0


def _counts(instances: int, added: int) -> str:
    return f"{instances} instance{_plural(instances)} read, {added} run{_plural(added)} added"


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
