"""An Event Grid event, whichever schema it came in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class GridEvent:
    """``sender`` is the resource that sent it (``topic`` or ``source``, by schema). Nothing in it is trusted.

    ``time`` is in UTC, or None if the event has none or one that is not in ISO 8601 (``has_unreadable_time``).
    """

    id: str
    type: str
    sender: str
    subject: str
    time: datetime | None
    data: Mapping[str, object]
    has_unreadable_time: bool = False

    def is_from(self, resource_id: str) -> bool:
        """Azure writes resource ids in varying case. No event is from the empty id, also not one without a sender."""
        return bool(resource_id) and self.sender.rstrip("/").casefold() == resource_id.rstrip("/").casefold()
