"""Removes what looks like a secret from the text of a failed function.

durable-functions behaviour: hosts since 4.1037 do so before the Durable extension reads the text. The text of a
failed orchestrator contains the SDK's whole answer as JSON, and the removal can make that JSON invalid.
"""

import re

HIDDEN = "[Hidden Credential]"

_TOKENS = (
    "Token=",
    "DefaultEndpointsProtocol=http",
    "AccountKey=",
    "Data Source=",
    "Server=",
    "Password=",
    "pwd=",
    "&amp;sig=",
    "&sig=",
    "?sig=",
    "SharedAccessKey=",
    "&amp;code=",
    "&code=",
    "?code=",
    "/code=",
    "key=",
)
# From a token to the next quote or angle bracket, or to the end.
_CREDENTIAL = re.compile(
    rf"(?<!PublicKey)(?:{'|'.join(re.escape(token) for token in _TOKENS)})[^\"'<]*", re.IGNORECASE
)
_USER_IN_URL = re.compile(r"\b[a-z]+://[^:/\s]+:[^@/\s]+@[^:/\s]+:[0-9]+\b", re.IGNORECASE)


def without_credentials(text: str) -> str:
    return _USER_IN_URL.sub(HIDDEN, _CREDENTIAL.sub(HIDDEN, text))
