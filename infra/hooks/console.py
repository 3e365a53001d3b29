"""What a hook prints. Each line appears at once, also where it goes through a pipe."""

import sys


def say(text: str) -> None:
    # A Windows console may lack a character of a message of Azure.
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)
