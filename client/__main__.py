"""Follows and cancels runs of any deployed app, and rebuilds its ledger, through its HTTP API."""

import sys

from client.command_line import main

if __name__ == "__main__":
    sys.exit(
        main("client", __doc__, {"follow": "client.follow_command", "rebuild": "client.rebuild_command"})
    )
