"""What one ``make serve`` at a time may hold: its folder and its ports."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions_host.http.server import PortInUseError, listening_socket


class Taken(Exception):
    """Somebody else holds it; the text says what to do."""


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Raises Taken if another process is inside with the same folder. However that one ends, the folder is free."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "in_use").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(f"Another make serve seems to be running: it uses {folder}. Stop it first.") from None
        yield


def free_ports(*ports: int) -> None:
    """Raises Taken if something listens on one of them."""
    taken = [str(port) for port in ports if not _is_free(port)]
    if taken:
        raise Taken(
            f"Another program listens on port {', '.join(taken)} of 127.0.0.1, perhaps another make serve."
            f" End it, or choose other ports: make serve PORT={ports[0] + 100}"
            " (Azure ML takes the five from PORT + 10 on)."
        )


def _is_free(port: int) -> bool:
    try:
        listening_socket("127.0.0.1", port).close()
    except PortInUseError:
        return False
    return True
