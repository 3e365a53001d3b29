"""How each command finds the app: its address and its key."""

import argparse
import os

from client.app_address import AppAddress
from client.run_client import RunClient

DEFAULT_URL = "http://localhost:7071"

ENVIRONMENT = """\
environment:
  BATCH_FUNCTION_URL  address of the app, if there is no --url
  BATCH_FUNCTION_KEY  function key of the app; there is no option for it, because
                      the list of processes would show it"""


def add_url_to(command: argparse.ArgumentParser) -> None:
    command.add_argument("--url", help=f"address of the app, or of any of its pages (default {DEFAULT_URL})")


def address_of(arguments: argparse.Namespace) -> AppAddress:
    return AppAddress.parse(arguments.url or _usual_url())


def client_of(arguments: argparse.Namespace) -> RunClient:
    return client_at(address_of(arguments))


def client_at(address: AppAddress) -> RunClient:
    return RunClient(address.root, os.environ.get("BATCH_FUNCTION_KEY") or None)


def is_of_another_app(address: AppAddress) -> bool:
    """Whether BATCH_FUNCTION_URL names another app, for which the key is then meant."""
    usual = os.environ.get("BATCH_FUNCTION_URL")
    return bool(usual) and AppAddress.parse(str(usual)).root != address.root


def _usual_url() -> str:
    return os.environ.get("BATCH_FUNCTION_URL") or DEFAULT_URL
