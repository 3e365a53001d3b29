"""Where a page of the list of runs ended: the ``continuation`` of ``GET /api/batch-runs``.

It is the place of the last run of the page, so no run that starts or ends meanwhile moves what follows.
"""

import base64
import binascii
import re
from hashlib import sha256

_CHECKSUM_LENGTH = 6
_TEXT = re.compile(r"[\w-]+", re.ASCII)
_PLACE = re.compile(r"\d{15} [A-Za-z0-9._-]+", re.ASCII)


def encode_continuation(place: str) -> str:
    """Safe in a URL as it is."""
    return _text(place.encode())


def decode_continuation(text: str) -> str:
    """Raises ValueError for a text that ``encode_continuation`` did not make: made up, damaged, or cut."""
    if not _TEXT.fullmatch(text):
        raise ValueError("not a place")
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not a place") from None
    content = sealed[_CHECKSUM_LENGTH:]
    # Two texts can decode to the same bytes. An earlier version kept the place in another form.
    if _text(content) != text or not _PLACE.fullmatch(place := content.decode(errors="replace")):
        raise ValueError("not a place")
    return place


def _text(content: bytes) -> str:
    """The checksum detects damaged places. It is not a secret: a place gives nobody access."""
    checked = sha256(b"place in the list of runs" + content).digest()[:_CHECKSUM_LENGTH]
    return base64.urlsafe_b64encode(checked + content).decode().rstrip("=")
