"""Connections on which each answer has limits as a whole, headers included: for its time and for its size.

The time-outs of ``requests`` are for one read, so an answer that comes byte by byte never reaches them.
"""

import logging
import socket
import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import Buffer
from urllib3 import HTTPResponse, PoolManager
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

CONNECT_TIMEOUT = 10
"""Seconds, for the connection to one address, and again for the TLS handshake."""
ANSWER_TIMEOUTS = {"GET": 20.0, "POST": 60.0}
"""Seconds from the first byte of the request to the last byte of the answer, by method.

A read is repeated at the next check. A POST whose answer is lost costs a search for its job.
"""
MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer's body after decompression."""
_MAX_RECEIVED = MAX_BODY + 1024 * 1024
"""Bytes of an answer on the wire: headers and the sizes of chunks have no other limit."""
_PIECE = 64 * 1024

# They log whole addresses, which may be secret: of each request at DEBUG, and of odd answers at WARNING.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class AnswerTooLate(TimeoutError):
    """The text names the limit."""


class AnswerTooLarge(OSError):
    """The text names the limit."""


class _Socket(ssl.SSLSocket):
    """Made by the TLS library, which does not call ``__init__``."""

    _limit = 0.0
    _due: float | None = None
    _room = 0

    def expect_answer(self, seconds: float) -> None:
        self._limit, self._due, self._room = seconds, time.monotonic() + seconds, _MAX_RECEIVED

    def recv_into(self, buffer: Buffer, nbytes: int | None = None, flags: int = 0) -> int:
        self._wait_no_longer_than_due()
        try:
            received = super().recv_into(buffer, nbytes, flags)
        except TimeoutError:
            raise self._too_late() from None
        self._room -= received
        if self._due is not None and self._room < 0:
            raise _too_large()
        return received

    def send(self, data: Buffer, flags: int = 0) -> int:
        self._wait_no_longer_than_due()
        try:
            return super().send(data, flags)
        except TimeoutError:
            raise self._too_late() from None

    def _wait_no_longer_than_due(self) -> None:
        if self._due is None:
            return
        left = self._due - time.monotonic()
        if left <= 0:
            raise self._too_late()
        self.settimeout(left)

    def _too_late(self) -> AnswerTooLate:
        return AnswerTooLate(f"The answer was not complete within {self._limit:g} s")


class _Connection(HTTPSConnection):
    def connect(self) -> None:
        # A context for each connection: urllib3 loads the trusted certificates into it.
        self.ssl_context = create_urllib3_context()
        self.ssl_context.sslsocket_class = _Socket
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            # Nothing of the request was sent, which urllib3 does not tell from an answer that is lost.
            raise NewConnectionError(self, str(error)) from error

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        # A tunnel in TLS to a proxy has a socket of another type: there, each read has the time-out.
        if isinstance(self.sock, _Socket):
            self.sock.expect_answer(ANSWER_TIMEOUTS[method])
        super().request(method, url, *args, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3
        sock = self.sock
        try:
            return super().getresponse()
        except BaseException:
            # After some unusable headers urllib3 would leave the socket open to an answer that nobody has.
            if sock is not None and sock.fileno() >= 0:
                socket.close(sock.detach())
            raise


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager = _with_limits(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return _with_limits(super().proxy_manager_for(proxy, **options))


def _with_limits(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"https": _Pool}
    return manager


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed. ``requests`` would parse the address all the same, and can fail at it."""


def new_session(connections: int = 1) -> requests.Session:
    """Keeps connections, and neither cookies nor anything else of an answer."""
    session = _Session()
    session.mount("https://", _Adapter(pool_connections=8, pool_maxsize=connections))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def send(session: requests.Session, method: str, url: str, **request: Any) -> tuple[requests.Response, bytes]:
    """The answer and its body. Raises what ``requests`` raises, AnswerTooLate and AnswerTooLarge among the causes."""
    with session.request(
        method,
        url,
        timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUTS[method]),
        allow_redirects=False,
        stream=True,
        **request,
    ) as response:
        return response, _body(response)


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > MAX_BODY:
            raise _too_large()
    return bytes(body)


def _too_large() -> AnswerTooLarge:
    return AnswerTooLarge(f"The answer is larger than {MAX_BODY // (1024 * 1024)} MiB")
