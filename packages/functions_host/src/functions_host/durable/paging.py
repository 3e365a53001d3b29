"""Continuation tokens. A token names the first instance of the next page; it is opaque to the caller.

durable-functions behaviour: a token is the base64 of that id, followed by one space. The space separates the
partition key from the row key, which is empty for instances. HTTP removes it from the end of a header, so a token
that comes back may not have it.
"""

import base64


def encode_continuation(next_id: str) -> str:
    return f"{base64.b64encode(next_id.encode()).decode()} "


def decode_continuation(token: str | None) -> str | None:
    """The first id of the page; for the first page an empty text, which sorts before every id.

    None for an invalid token. durable-functions behaviour: an invalid token means the end of the list.
    """
    if not token:
        return ""
    try:
        return base64.b64decode(token.rstrip(" "), validate=True).decode()
    except ValueError:
        return None
