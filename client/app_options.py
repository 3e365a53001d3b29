"""How each command finds the app: its address and its key."""

import argparse
import os

from client.run_client import RunClient

DEFAULT_URL = "http://localhost:7071"

ENVIRONMENT = """\
environment:
  BATCH_FUNCTION_URL  address of the app, if there is no --url
  BATCH_FUNCTION_KEY  function key of the app; there is no option for it, because
                      the list of processes would show it"""


def add_url_to(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url",
        default=os.environ.get("BATCH_FUNCTION_URL", DEFAULT_URL),
        help=f"address of the app, with or without /api (default {DEFAULT_URL})",
    )


def client_of(arguments: argparse.Namespace) -> RunClient:
    return RunClient(arguments.url, os.environ.get("BATCH_FUNCTION_KEY") or None)
