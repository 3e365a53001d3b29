"""A server on a thread of its own, for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from threading import Thread


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[str]:
    """The origin of the server, whose socket is closed at the end."""
    with server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
