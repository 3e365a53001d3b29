"""How each command finds the app: its address, its key, and the token of an app with a sign-in."""

import argparse
import os

from client.app_address import AppAddress
from client.run_client import RunClient

DEFAULT_URL = "http://localhost:7071"

ENVIRONMENT = """\
environment:
  BATCH_FUNCTION_URL    address of the app, if there is no --url
  BATCH_FUNCTION_KEY    function key of the app
  BATCH_FUNCTION_TOKEN  access token for the app, if it has a sign-in. There are no
                        options for key and token, because the list of processes
                        would show them"""


def add_url_to(command: argparse.ArgumentParser) -> None:
    command.add_argument("--url", help=f"address of the app, or of any of its pages (default {DEFAULT_URL})")


def address_of(arguments: argparse.Namespace) -> AppAddress:
    return AppAddress.parse(arguments.url or _usual_url())


def client_of(arguments: argparse.Namespace) -> RunClient:
    return client_at(address_of(arguments))


def client_at(address: AppAddress) -> RunClient:
    key, token = (os.environ.get(f"BATCH_FUNCTION_{name}") or None for name in ("KEY", "TOKEN"))
    return RunClient(address.root, key, token)


def is_of_another_app(address: AppAddress) -> bool:
    """Whether BATCH_FUNCTION_URL names another app, for which key and token are then meant."""
    usual = os.environ.get("BATCH_FUNCTION_URL")
    return bool(usual) and AppAddress.parse(str(usual)).root != address.root


def _usual_url() -> str:
    return os.environ.get("BATCH_FUNCTION_URL") or DEFAULT_URL
