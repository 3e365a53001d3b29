"""Why a call got no answer, in words for people. The texts of the libraries name their own classes and file lines."""

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead

from urllib3 import exceptions as urllib3

Kinds = tuple[type[BaseException], ...]

_TOO_LATE = "no connection came about in time"
_CLOSED = "the connection was closed before the answer was complete"
_UNREADABLE = "the answer cannot be read"
_WORDS: tuple[tuple[Kinds, str], ...] = (
    ((urllib3.ProxyError,), "the proxy gives no connection"),
    ((urllib3.NameResolutionError, socket.gaierror), "the name of the host is not known"),
    ((urllib3.ReadTimeoutError,), "no answer came in time"),
    ((TimeoutError,), _TOO_LATE),
    ((urllib3.InvalidChunkLength,), _UNREADABLE),
    ((ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, IncompleteRead), _CLOSED),
    ((HTTPException, urllib3.DecodeError, urllib3.InvalidHeader), _UNREADABLE),
    ((urllib3.ProtocolError,), _CLOSED),
)
"""The first that fits, in this order: the kinds of the libraries overlap."""


def in_words(error: BaseException) -> str:
    """Without a full stop, and without the text of a library, which may hold a proxy's password."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {cause.verify_message.rstrip('.')}"
    for kinds, words in _WORDS:
        if any(isinstance(cause, kinds) for cause in causes):
            return words
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "the other side does not speak TLS as it should"
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return str(cause.strerror).lower()
    if any(isinstance(cause, urllib3.ConnectTimeoutError) for cause in causes):
        return _TOO_LATE
    return f"the connection failed ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The libraries wrap what happened, and keep it as an argument, as a reason or as the cause."""
    yield error
    for each in (getattr(error, "reason", None), *error.args, error.__cause__):
        if isinstance(each, BaseException):
            yield from _causes(each)
