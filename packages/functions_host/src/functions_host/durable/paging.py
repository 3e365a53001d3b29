"""Continuation tokens: opaque to the caller, the id of the next page's first instance to us.

durable-functions behaviour: a token is the base64 of that id, followed by one space. The space divides the
partition key from the row key, which is empty for instances. HTTP drops it at the end of a header, so it may be
missing from a token that comes back.
"""

import base64


def encode_continuation(next_id: str) -> str:
    return f"{base64.b64encode(next_id.encode()).decode()} "


def decode_continuation(token: str | None) -> str | None:
    """The id to begin with: an empty text, which sorts before every id, for the first page.

    None if nobody gave this token. durable-functions behaviour: it then stands for an end of the list.
    """
    if not token:
        return ""
    try:
        return base64.b64decode(token.rstrip(" "), validate=True).decode()
    except ValueError:
        return None
