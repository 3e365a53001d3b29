"""``python -m local run`` scores a folder once; ``serve`` keeps everything up until Ctrl-C."""

import sys

from client.command_line import main

if __name__ == "__main__":
    sys.exit(main("local", __doc__, {"run": "local.run_command", "serve": "local.serve_command"}))
