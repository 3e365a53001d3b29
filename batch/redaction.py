"""Secrets in texts: what requests must not hold, and what is removed from messages."""

import re
from urllib.parse import unquote

_ASSIGNED = r"(?:[\"']?\s*[:=]\s*[\"']?|%3[ad])"
# Such as ``Bearer eyJ0eXAi…``, ``client_secret=…`` or ``?sig=…``: the value goes, the name stays.
_REDACTED_IN_MESSAGES = re.compile(
    rf"(?P<before>bearer\s+|(?:client_(?:secret|assertion)|access_token|account_?key|sharedaccesskey){_ASSIGNED}"
    r"|sig(?:=|%3d))[^\"'&\s,;}]+"
    r"|(?-i:eyJ[\w-]{8,}(?:\.[\w-]+){0,2})",
    re.IGNORECASE,
)
_USER_IN_URL = re.compile(r"(?<=://)[^:/@\s]+:[^@/\s]+(?=@)")
# Such as ``?sig=…``, ``AccountKey=…`` or a whole JSON Web Token.
_REFUSED_IN_REQUESTS = re.compile(
    r"[?&;]sig=|(?:accountkey|sharedaccesskey)=|(?-i:(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,})", re.IGNORECASE
)


def redact(text: str) -> str:
    """Removes what looks like a token, key, signature or the user of a URL.

    Messages quote services, which may quote requests.
    """
    return _USER_IN_URL.sub(
        "[redacted]", _REDACTED_IN_MESSAGES.sub(lambda match: f"{match['before'] or ''}[redacted]", text)
    )


def holds_secret(text: str) -> bool:
    """Whether ``text``, percent-encoded or not, holds a SAS signature, a storage key or a JSON Web Token."""
    return bool(_REFUSED_IN_REQUESTS.search(text) or _REFUSED_IN_REQUESTS.search(unquote(text)))
