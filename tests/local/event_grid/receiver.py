"""A webhook whose answers a test chooses: also answers that a Functions host never gives."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    at: float
    method: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.json if isinstance(self.json, list) else [self.json]

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


class Receiver:
    """Completes the handshake, then answers deliveries with ``answers`` in turn, and repeats the last one.

    An answer is a status, or None to cut the connection. ``handshake`` replaces what the handshake says.
    """

    def __init__(self) -> None:
        self.answers: list[int | None] = [200]
        self.handshake: Callable[[Received], tuple[int, dict[str, str], bytes]] = agree
        self.deliveries: list[Received] = []
        self.handshakes: list[Received] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook?code=secret"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Inside the block, deliveries get no answer."""
        with self._lock:
            yield

    def _answer(self, received: Received) -> tuple[int | None, dict[str, str], bytes]:
        if received.headers.get("aeg-event-type") != "Notification":
            self.handshakes.append(received)
            return self.handshake(received)
        with self._lock:
            self.deliveries.append(received)
            return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]), {}, b""

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, more, content = receiver._answer(
                    Received(time.monotonic(), self.command, headers, body)
                )
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**more, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_OPTIONS = do_POST

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def agree(received: Received) -> tuple[int, dict[str, str], bytes]:
    if received.method == "OPTIONS":
        return 200, {"WebHook-Allowed-Origin": received.headers["webhook-request-origin"]}, b""
    code = received.events[0]["data"]["validationCode"]
    return 200, {}, json.dumps({"validationResponse": code}).encode()
