"""Secrets in texts: what requests must not hold, and what is removed from messages."""

import re
from urllib.parse import unquote

_ASSIGNED = r"(?:[\"']?\s*[:=]\s*[\"']?|%3[ad])"
_NAMES = (
    r"client[_-]?(?:secret|assertion)|(?:access|refresh|id|sas)[_-]?token"
    r"|(?:account|access|storage|api|secret|functions|sas)[_-]?key|passw(?:or)?d|pwd"
)
# Such as ``Bearer eyJ0eXAi…``, ``client_secret=…`` or ``?sig=…``: the value goes, the name stays.
_REDACTED_IN_MESSAGES = re.compile(
    rf"(?P<before>bearer\s+|authorization{_ASSIGNED}basic\s+|(?:{_NAMES}){_ASSIGNED}"
    r"|(?:sig|[?&]code)(?:=|%3d))[^\"'&\s,;}]+"
    r"|(?-i:eyJ[\w-]{8,}(?:\.[\w-]+){0,2})",
    re.IGNORECASE,
)
# Without a password it may be a token, or the container of ``abfss://container@account…``.
_USER_IN_URL = re.compile(r"(?:(?<=https://)[^/@\s]+|(?<=://)[^:/@\s]+:[^@/\s]+)(?=@)")
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
