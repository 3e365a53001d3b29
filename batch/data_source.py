"""The blobs that a run stands for, where new data started it."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from batch.blob_events import Blob

MAX_NAMES = 100
MAX_STATUS_CHARACTERS = 2_000


class DataSource(BaseModel):
    """How many blobs, of which folder, when the first and the last came; and the names of up to 100 of them."""

    model_config = ConfigDict(frozen=True)

    container: str
    folder: str
    count: int
    first_event_at: datetime
    last_event_at: datetime
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
        """As ``to_json``, with only as many names as a custom status has room for."""
        room, names = MAX_STATUS_CHARACTERS, []
        for name in self.names:
            room -= len(name)
            if room < 0:
                break
            names.append(name)
        return {**self.to_json(), "names": names}
