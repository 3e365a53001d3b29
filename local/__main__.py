"""Runs the app on one machine without Azure: once over a folder, or until Ctrl-C."""

import sys

from client.command_line import main

if __name__ == "__main__":
    sys.exit(main("local", __doc__, {"run": "local.run_command", "serve": "local.serve_command"}))
