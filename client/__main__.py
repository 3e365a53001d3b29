"""``python -m client follow RUN_ID`` watches a run of any deployed app until it ends."""

import sys

from client.command_line import main

if __name__ == "__main__":
    sys.exit(main("client", __doc__, {"follow": "client.follow_command"}))
