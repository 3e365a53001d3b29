"""A webhook on this machine for the notifications of the app: keeps each event as a file."""

import json
import re
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Event = dict[str, Any]

_PATH = "/notifications"
_CONTENT_TYPE = "application/cloudevents+json"
_MAX_BODY = 1024 * 1024
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


class NotificationReceiver:
    """Receives inside its ``with`` block. ``folder`` gets one file for each event, however often the event comes.

    ``secret`` is what the address must hold, ``port`` 0 takes a free one. ``status`` is what is answered; an event is
    accepted only below 300. ``attempts`` are all events that came, in order, ``accepted`` those of them that were
    accepted. ``told`` is called with the first copy of each accepted event.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        told: Callable[[Event], None] | None = None,
        secret: str | None = None,
    ) -> None:
        self.folder = folder
        self.secret = secret or secrets.token_urlsafe(24)
        self.status = 200
        self.attempts: list[Event] = []
        self.accepted: list[Event] = []
        self._told = told
        self._port = port
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{_PATH}?code={self.secret}"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The port stays that of the next ``with`` block."""
        assert self._server and self._thread
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, address: str, content_type: str, body: bytes) -> int:
        """The status of the answer to a request."""
        parts = urlsplit(address)
        if parts.path != _PATH:
            return 404
        if parse_qs(parts.query).get("code") != [self.secret]:
            return 401
        try:
            event: Event = json.loads(body)
            name = _NOT_IN_A_NAME.sub("_", f"{event['subject']}-{event['id']}.json")
        except (ValueError, TypeError, KeyError):
            return 400
        if content_type.partition(";")[0] != _CONTENT_TYPE:
            return 415
        with self._lock:
            self.attempts.append(event)
            if self.status < 300:
                self._keep(event, self.folder / name)
            return self.status

    def _keep(self, event: Event, file: Path) -> None:
        is_first = all(one["id"] != event["id"] for one in self.accepted)
        self.accepted.append(event)
        file.write_text(json.dumps(event, indent=2) + "\n")
        if is_first and self._told:
            self._told(event)


def _handler(receiver: NotificationReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status = 413
            if length <= _MAX_BODY:
                status = receiver.take(
                    self.path, self.headers.get("Content-Type", ""), self.rfile.read(length)
                )
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """The address holds the secret."""

    return Handler
