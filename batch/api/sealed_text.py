"""Texts that the API gives to its callers and gets back: safe in a URL as they are, and damage is detected."""

import base64
import binascii
import re
from hashlib import sha256

_CHECKSUM_LENGTH = 6
_TEXT = re.compile(r"[\w-]+", re.ASCII)


def sealed(purpose: str, content: str) -> str:
    """``purpose`` keeps apart texts of different requests."""
    return _sealed(purpose, content.encode())


def unsealed(purpose: str, text: str) -> str:
    """Raises ValueError for a text that ``sealed`` did not make for this purpose: made up, damaged, or cut."""
    if not _TEXT.fullmatch(text):
        raise ValueError("not a sealed text")
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not a sealed text") from None
    content = decoded[_CHECKSUM_LENGTH:]
    # Two texts can decode to the same bytes.
    if _sealed(purpose, content) != text:
        raise ValueError("not a sealed text")
    return content.decode(errors="replace")


def _sealed(purpose: str, content: bytes) -> str:
    """The checksum detects damage. It is not a secret: a sealed text gives nobody access."""
    checked = sha256(purpose.encode() + content).digest()[:_CHECKSUM_LENGTH]
    return base64.urlsafe_b64encode(checked + content).decode().rstrip("=")
