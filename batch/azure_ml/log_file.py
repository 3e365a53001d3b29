"""Downloads the end of a log from the storage account of the workspace.

The address comes from run history and holds a signature, which is all that the storage account asks for: no token is
sent there, and the address stands in no message.
"""

import re
from urllib.parse import urlsplit

import requests

from batch.addresses import Origin
from batch.azure_ml.connection import new_session, send
from batch.azure_ml.rest import AnswerLost
from batch.errors import ErrorCode, RunError
from batch.settings import Settings

MOST_BYTES = 1024 * 1024
"""Of the end of a log. 10,000 lines of a usual length fit."""
_CONTENT_RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(?P<size>\d{1,18})", re.ASCII)
_EMPTY = 416


def read_end(url: str, settings: Settings) -> tuple[str, bool]:
    """The end of the log, and whether that is all of it. Raises RunError.

    Storage accounts know no range that counts from the end: the first answer tells the size.
    """
    origin = _origin(url)
    if origin is None or not settings.may_hold_logs(origin):
        raise RunError(
            ErrorCode.REQUEST_REJECTED,
            "Run history names a place for the log that is no storage account of Azure.",
        )
    with new_session() as session:
        first, size = _piece(session, url, origin, 0)
        if size <= MOST_BYTES:
            return _text(first), True
        end, _ = _piece(session, url, origin, size - MOST_BYTES)
        return _text(end), False


def _piece(session: requests.Session, url: str, origin: Origin, start: int) -> tuple[bytes, int]:
    """At most MOST_BYTES from ``start`` on, and the size of the whole log."""
    headers = {"Range": f"bytes={start}-{start + MOST_BYTES - 1}", "Accept-Encoding": "identity"}
    try:
        # The function keeps a .netrc file from adding credentials.
        response, body = send(session, "GET", url, headers=headers, auth=lambda request: request)
    except Exception as error:
        # Its text may hold the address.
        raise AnswerLost(f"The log at {origin} could not be downloaded: {type(error).__name__}.") from None
    if response.status_code == _EMPTY:
        return b"", 0
    if response.status_code not in (200, 206):
        raise RunError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"The log at {origin} was not given: the answer was {response.status_code}.",
        )
    size = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return body, int(size["size"]) if size else len(body)


def _origin(url: str) -> Origin | None:
    try:
        parts = urlsplit(url)
        return Origin.parse(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return None


def _text(body: bytes) -> str:
    return body[-MOST_BYTES:].decode("utf-8", "replace")
