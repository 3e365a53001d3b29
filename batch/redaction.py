"""Secrets in texts: what must not be stored with a run, and what is taken out of messages."""

import re
from urllib.parse import unquote

_IS = r"(?:[\"']?\s*[:=]\s*[\"']?|%3[ad])"
_SHOWN = re.compile(
    rf"(?P<before>bearer\s+|(?:client_(?:secret|assertion)|access_token|account_?key|sharedaccesskey){_IS}"
    r"|sig(?:=|%3d))[^\"'&\s,;}]+"
    r"|(?-i:eyJ[\w-]{8,}(?:\.[\w-]+){0,2})",
    re.IGNORECASE,
)
_USER_IN_URL = re.compile(r"(?<=://)[^:/@\s]+:[^@/\s]+(?=@)")
_STORED = re.compile(
    r"[?&;]sig=|(?:accountkey|sharedaccesskey)=|(?-i:(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,})", re.IGNORECASE
)


def redact(text: str) -> str:
    """Takes out what looks like a token, key, signature or the user of a URL.

    Messages quote services, which may quote requests.
    """
    return _USER_IN_URL.sub(
        "[redacted]", _SHOWN.sub(lambda match: f"{match['before'] or ''}[redacted]", text)
    )


def holds_secret(text: str) -> bool:
    """Whether ``text``, percent-encoded or not, holds a SAS signature, a storage key or a JSON Web Token."""
    return bool(_STORED.search(text) or _STORED.search(unquote(text)))
