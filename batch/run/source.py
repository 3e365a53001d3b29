"""The blobs that started a run."""

import json
from datetime import datetime
from itertools import accumulate
from typing import Annotated, NotRequired

from pydantic import AfterValidator, Field

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
    count: Annotated[int, Field(description="How many new blobs started the run")]
    folder_count: NotRequired[
        Annotated[
            int,
            Field(
                description="How many files of the folder have come in all. Only where an earlier run has scored the "
                "folder: then this run scores it again, as a whole"
            ),
        ]
    ]
    first_event_at: Time
    last_event_at: Time
    names: list[str]


class DataSource(Stored):
    """How many blobs, of which folder, when the first and the last came; and the names of up to 100 of them.

    ``folder_count`` is set where an earlier run has scored the folder: how many files of it have come in all, those
    of earlier runs among them. It is never less than ``count``.
    """

    container: str
    folder: str
    count: int
    folder_count: int | None = None
    first_event_at: UtcTime
    last_event_at: UtcTime
    names: tuple[str, ...]

    @property
    def first_blob(self) -> str:
        """The path of the first blob within the container."""
        return f"{self.folder}/{self.names[0]}" if self.folder else self.names[0]

    def merged_with(self, other: "DataSource") -> "DataSource":
        """The blobs of both. Names are kept up to MAX_NAMES, the names of ``self`` first."""
        return self._with(other, self.count + other.count, self.names + other.names)

    def files_with(self, other: "DataSource") -> "DataSource":
        """As ``merged_with``, but a file that came more than once counts once, as far as the names tell."""
        names = self.names + other.names
        different = tuple(dict.fromkeys(names))
        repeated = len(names) - len(different)
        return self._with(other, self.count + other.count - repeated, different)

    def again_after(self, earlier: "DataSource | None") -> "DataSource":
        """The data of a run over the whole folder, of which runs have taken ``earlier``; None if there is none."""
        if earlier is None:
            return self
        return self.model_copy(update={"folder_count": max(self.count, earlier.files_with(self).count)})

    def _with(self, other: "DataSource", count: int, names: tuple[str, ...]) -> "DataSource":
        return self.model_copy(
            update={
                "count": count,
                "first_event_at": min(self.first_event_at, other.first_event_at),
                "last_event_at": max(self.last_event_at, other.last_event_at),
                "names": names[:MAX_NAMES],
            }
        )

    def view(self) -> SourceView:
        stored = self.to_json()
        view: SourceView = {
            "container": self.container,
            "folder": self.folder,
            "count": self.count,
            "first_event_at": stored["first_event_at"],
            "last_event_at": stored["last_event_at"],
            "names": list(self.names),
        }
        return view if self.folder_count is None else {**view, "folder_count": self.folder_count}

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
