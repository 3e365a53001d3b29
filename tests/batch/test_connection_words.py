"""The reason of a call without an answer names no class of a library and repeats none of its texts."""

import re
import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import pytest
import requests
from urllib3 import exceptions as urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from batch.connection_words import in_words

POOL = HTTPSConnectionPool("scores.example", 443)
CONNECTION = HTTPSConnection("scores.example", 443)
SECRET = "S3cr3tMarker"
REFUSED = ConnectionRefusedError(111, "Connection refused")
MISMATCH = ssl.SSLCertVerificationError(
    1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)"
)
MISMATCH.verify_message = "self-signed certificate."


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def as_requests_raises(reason: Exception) -> Exception:
    return requests.ConnectionError(urllib3.MaxRetryError(POOL, "/jobs", reason))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            requests.ReadTimeout(urllib3.ReadTimeoutError(POOL, "/", "Read timed out. (read timeout=60)")),
            "no answer came in time",
        ),
        (
            as_requests_raises(
                urllib3.ConnectTimeoutError(CONNECTION, "Connection timed out. (connect timeout=5)")
            ),
            "no connection came about in time",
        ),
        (
            as_requests_raises(caused(urllib3.NewConnectionError(CONNECTION, "[Errno 111]"), REFUSED)),
            "connection refused",
        ),
        (
            as_requests_raises(urllib3.NewConnectionError(CONNECTION, "The handshake operation timed out")),
            "no connection came about in time",
        ),
        (
            as_requests_raises(
                urllib3.NameResolutionError("scores.example", CONNECTION, socket.gaierror(-2, "x"))
            ),
            "the name of the host is not known",
        ),
        (
            requests.exceptions.ProxyError(
                urllib3.MaxRetryError(
                    POOL,
                    "/",
                    urllib3.ProxyError(f"http://me:{SECRET}@proxy", OSError("Tunnel failed: 407")),
                )
            ),
            "the proxy gives no connection",
        ),
        (
            requests.exceptions.SSLError(urllib3.MaxRetryError(POOL, "/", urllib3.SSLError(MISMATCH))),
            "the certificate is not accepted: self-signed certificate",
        ),
        (
            caused(
                urllib3.NewConnectionError(CONNECTION, "x"), ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")
            ),
            "the other side does not speak TLS as it should",
        ),
        (
            requests.ConnectionError(
                urllib3.ProtocolError("Connection aborted.", RemoteDisconnected("Remote end"))
            ),
            "the connection was closed before the answer was complete",
        ),
        (
            requests.exceptions.ChunkedEncodingError(urllib3.ProtocolError("broken", IncompleteRead(b"", 9))),
            "the connection was closed before the answer was complete",
        ),
        (
            requests.ConnectionError(urllib3.ProtocolError("Connection aborted.", BadStatusLine("<html>"))),
            "the answer cannot be read",
        ),
        (requests.exceptions.ContentDecodingError(urllib3.DecodeError("gzip")), "the answer cannot be read"),
        (OSError(101, "Network is unreachable"), "network is unreachable"),
        (UnicodeError("label too long"), "the connection failed (UnicodeError)"),
    ],
)
def test_what_happened_is_said_in_words(error: Exception, words: str) -> None:
    assert in_words(error) == words
    assert not re.search(rf"HTTPS|Pool|host=|Errno|_ssl|urllib|{SECRET}", in_words(error))
