"""Where a page of the list of runs ended: the ``continuation`` of ``GET /api/batch-runs``.

A page of the list is cut out of a larger page of the task hub, whose own token may be any text.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

_CHECKSUM_LENGTH = 6
_TEXT = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Continuation:
    """In the page of ``hub_token`` (None: the first page), after the instance ``after`` (empty: at the start)."""

    hub_token: str | None = None
    after: str = ""

    @classmethod
    def decode(cls, text: str) -> Self:
        """Raises ValueError for a text that ``encode`` did not make: made up, damaged, or cut."""
        if not _TEXT.fullmatch(text):
            raise ValueError("not a place")
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            raise ValueError("not a place") from None
        content = sealed[_CHECKSUM_LENGTH:]
        # Two texts can decode to the same bytes.
        if _text(content) != text:
            raise ValueError("not a place")
        hub_token, after = json.loads(content)
        return cls(hub_token, after)

    def encode(self) -> str:
        """Safe in a URL as it is."""
        return _text(json.dumps([self.hub_token, self.after]).encode())


FIRST_PAGE = Continuation()


def _text(content: bytes) -> str:
    """The checksum detects damaged places. It is not a secret: a place gives nobody access."""
    checked = sha256(b"place in the list of runs" + content).digest()[:_CHECKSUM_LENGTH]
    return base64.urlsafe_b64encode(checked + content).decode().rstrip("=")
