"""Where a page of the list of runs ended: the ``continuation`` of ``GET /api/batch-runs``.

It is the place of the last run of the page, so no run that starts or ends meanwhile moves what follows.
"""

import re

from batch.api.sealed_text import sealed, unsealed

_PURPOSE = "place in the list of runs"
_PLACE = re.compile(r"\d{15} [A-Za-z0-9._-]+", re.ASCII)


def encode_continuation(place: str) -> str:
    """Safe in a URL as it is."""
    return sealed(_PURPOSE, place)


def decode_continuation(text: str) -> str:
    """Raises ValueError for a text that ``encode_continuation`` did not make: made up, damaged, or cut."""
    try:
        place = unsealed(_PURPOSE, text)
    except ValueError:
        raise ValueError("not a place") from None
    # An earlier version kept the place in another form.
    if not _PLACE.fullmatch(place):
        raise ValueError("not a place")
    return place
