"""The blobs that a run stands for, where new data started it."""

import json
from datetime import datetime
from itertools import accumulate
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict

from batch.new_data.blob import Blob
from batch.timestamps import as_utc

UtcTime = Annotated[datetime, AfterValidator(as_utc)]

MAX_NAMES = 100
MAX_FOLDER_IN_STATUS = 1_200
MAX_NAMES_IN_STATUS = 2_400
"""In characters of JSON; a custom status has room for 8,192, of which a run needs up to 3,000 for the rest."""


class DataSource(BaseModel):
    """How many blobs, of which folder, when the first and the last came; and the names of up to 100 of them."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    container: str
    folder: str
    count: int
    first_event_at: UtcTime
    last_event_at: UtcTime
    names: tuple[str, ...]

    @classmethod
    def of(cls, blob: Blob) -> Self:
        return cls(
            container=blob.container,
            folder=blob.folder,
            count=1,
            first_event_at=blob.created_at,
            last_event_at=blob.created_at,
            names=(blob.file,),
        )

    def and_also(self, other: "DataSource") -> "DataSource":
        """Both together; of the names as many as there is room for, the earlier ones first."""
        return self.model_copy(
            update={
                "count": self.count + other.count,
                "first_event_at": min(self.first_event_at, other.first_event_at),
                "last_event_at": max(self.last_event_at, other.last_event_at),
                "names": (self.names + other.names)[:MAX_NAMES],
            }
        )

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def to_status(self) -> dict[str, Any]:
        """As ``to_json``, with only as much of the folder and the names as a custom status has room for."""
        sizes = accumulate(len(json.dumps(name)) for name in self.names)
        fitting = sum(size <= MAX_NAMES_IN_STATUS for size in sizes)
        names = self.names[:fitting] or (_shortened(self.names[0], MAX_NAMES_IN_STATUS),)
        return {
            **self.to_json(),
            "folder": _shortened(self.folder, MAX_FOLDER_IN_STATUS),
            "names": list(names),
        }


def _shortened(text: str, room: int) -> str:
    """``text``, cut until its JSON fits into ``room`` characters."""
    cut = text
    while len(json.dumps(cut)) > room:
        cut = f"{cut[: len(cut) * 9 // 10]}…"
    return cut
