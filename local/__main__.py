"""``python -m local run`` scores a folder once, ``serve`` keeps everything up, ``follow`` watches a run."""

import os
import signal
import sys

INTERRUPTED = 130


def main() -> int:
    # What the commands import takes a second, and leaves nothing to tidy up: Ctrl-C need not unwind it.
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from local.command_line import run

    signal.signal(signal.SIGINT, before)
    try:
        return run(description=__doc__)
    except KeyboardInterrupt:
        # A second Ctrl-C has nothing to add.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
