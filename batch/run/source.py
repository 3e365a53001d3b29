"""The blobs that started a run."""

import json
from datetime import datetime
from itertools import accumulate
from typing import Annotated

from pydantic import AfterValidator

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.stored import Stored
from batch.timestamps import Time, as_utc

UtcTime = Annotated[datetime, AfterValidator(as_utc)]

MAX_NAMES = 100
MAX_FOLDER_IN_STATUS = 1_200
MAX_NAMES_IN_STATUS = 1_800
"""In characters of JSON. A custom status has room for 8,192; the rest of a run needs up to 3,600."""


class SourceView(TypedDict):
    """The new blobs that started a run; ``names`` are the first of them, and lists shorten them further."""

    container: str
    folder: str
    count: int
    first_event_at: Time
    last_event_at: Time
    names: list[str]


class DataSource(Stored):
    """How many blobs, of which folder, when the first and the last came; and the names of up to 100 of them."""

    container: str
    folder: str
    count: int
    first_event_at: UtcTime
    last_event_at: UtcTime
    names: tuple[str, ...]

    def merged_with(self, other: "DataSource") -> "DataSource":
        """The blobs of both. Names are kept up to MAX_NAMES, the names of ``self`` first."""
        return self.model_copy(
            update={
                "count": self.count + other.count,
                "first_event_at": min(self.first_event_at, other.first_event_at),
                "last_event_at": max(self.last_event_at, other.last_event_at),
                "names": (self.names + other.names)[:MAX_NAMES],
            }
        )

    def view(self) -> SourceView:
        stored = self.to_json()
        return {
            "container": self.container,
            "folder": self.folder,
            "count": self.count,
            "first_event_at": stored["first_event_at"],
            "last_event_at": stored["last_event_at"],
            "names": list(self.names),
        }

    def shortened_view(self) -> SourceView:
        """With only as much of the folder and the names as a custom status has room for."""
        sizes = accumulate(len(json.dumps(name)) for name in self.names)
        fitting = sum(size <= MAX_NAMES_IN_STATUS for size in sizes)
        names = self.names[:fitting] or (_shortened(self.names[0], MAX_NAMES_IN_STATUS),)
        return {
            **self.view(),
            "folder": _shortened(self.folder, MAX_FOLDER_IN_STATUS),
            "names": list(names),
        }


def _shortened(text: str, room: int) -> str:
    """``text``, cut until its JSON fits into ``room`` characters."""
    cut = text
    while len(json.dumps(cut)) > room:
        cut = f"{cut[: len(cut) * 9 // 10]}…"
    return cut
