"""A TLS server that answers with whatever bytes a test wants, at whatever pace."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import trustme

Answer = Callable[[ssl.SSLSocket, threading.Event], None]
"""Writes the answer to one request. The event is set when the server stops."""


class RawServer:
    """Each request gets ``answer``; a connection is kept until a side closes it."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        authority = trustme.CA()
        self.ca_bundle = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_bundle))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(host).configure_cert(self._tls)
        self.answer: Answer = say(ok(b"{}"))
        self.connections = 0
        self.open = 0
        self.requests: list[bytes] = []
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # Closing a listening socket does not end an accept() of another thread; a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=5).close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            plain, _ = self._listener.accept()
            if self._stop.is_set():
                plain.close()
            else:
                self._start(self._serve, plain)

    def _serve(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            plain.settimeout(10)
            with self._tls.wrap_socket(plain, server_side=True) as connection:
                self.open += 1
                self.connections += 1
                try:
                    while request := self._request(connection):
                        self.requests.append(request)
                        self.answer(connection, self._stop)
                finally:
                    self.open -= 1

    def _request(self, connection: ssl.SSLSocket) -> bytes:
        """A request whose body, if any, comes with its head; empty at the end of the connection."""
        connection.settimeout(0.05)
        received = b""
        while not self._stop.is_set():
            try:
                piece = connection.recv(65_536)
            except TimeoutError:
                continue
            received += piece
            if not piece or b"\r\n\r\n" in received:
                return received
        return b""


def say(*pieces: bytes) -> Answer:
    def answer(connection: ssl.SSLSocket, stop: threading.Event) -> None:
        connection.settimeout(10)
        for piece in pieces:
            connection.sendall(piece)

    return answer


def say_and_close(*pieces: bytes) -> Answer:
    def answer(connection: ssl.SSLSocket, stop: threading.Event) -> None:
        say(*pieces)(connection, stop)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


def endlessly(start: bytes, piece: bytes, pause: float = 0) -> Answer:
    """``start``, then ``piece`` again and again until the client closes the connection."""

    def answer(connection: ssl.SSLSocket, stop: threading.Event) -> None:
        connection.settimeout(10)
        connection.sendall(start)
        while not stop.wait(pause):
            connection.sendall(piece)

    return answer


def silence(connection: ssl.SSLSocket, stop: threading.Event) -> None:
    stop.wait(60)


def ok(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


@contextlib.contextmanager
def deaf_listener() -> Iterator[str]:
    """The address of a port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
