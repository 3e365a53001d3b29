"""Lets one ``make serve`` at a time use its folder and its ports."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.command_line import CommandFailed
from functions_host.http.server import PortInUseError, listening_socket


class InUse(CommandFailed):
    """Another process uses the folder or a port; the text says what to do."""


@contextmanager
def instance_lock(folder: Path) -> Iterator[None]:
    """Raises InUse if another process holds the lock of this folder. The lock ends with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "in_use").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"Another make serve seems to be running: it uses {folder}. Stop it first.") from None
        yield


def check_ports(*ports: int) -> None:
    """Raises InUse if a program listens on one of them."""
    in_use = [str(port) for port in ports if not _is_free(port)]
    if in_use:
        raise InUse(
            f"Another program listens on port {', '.join(in_use)} of 127.0.0.1, perhaps another make serve."
            f" Stop it, or choose other ports: make serve PORT={ports[0] + 100}"
            " (Azure ML takes the six from PORT + 10 on)."
        )


def _is_free(port: int) -> bool:
    try:
        listening_socket("127.0.0.1", port).close()
    except PortInUseError:
        return False
    return True
