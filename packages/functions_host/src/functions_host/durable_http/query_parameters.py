"""Query parameters of the durable management API.

durable-functions behaviour: names are case-insensitive, and a value that does not parse is ignored.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from functions_host.durable.states import InstanceQuery, RuntimeStatus

CONTINUATION_HEADER = "x-ms-continuation-token"
DEFAULT_PAGE_SIZE = 100


class QueryParameters:
    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def text(self, name: str) -> str | None:
        values = self._values.get(name.lower())
        return None if values is None else ",".join(values)

    def flag(self, name: str, default: bool) -> bool:
        value = (self.text(name) or "").strip().lower()
        return value == "true" if value in {"true", "false"} else default

    def seconds(self, name: str) -> float | None:
        try:
            return float(self.text(name) or "")
        except ValueError:
            return None

    def page_size(self) -> int:
        value = (self.text("top") or "").strip()
        return int(value) if value.isdecimal() else DEFAULT_PAGE_SIZE

    def time(self, name: str) -> datetime | None:
        """Aware UTC; a time without an offset is taken as UTC."""
        try:
            value = datetime.fromisoformat((self.text(name) or "").strip())
        except ValueError:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def statuses(self) -> frozenset[RuntimeStatus]:
        names = {name.strip() for name in (self.text("runtimeStatus") or "").split(",")}
        return frozenset(status for status in RuntimeStatus if status.value in names)

    def instance_query(self, continuation: str | None = None) -> InstanceQuery:
        return InstanceQuery(
            created_from=self.time("createdTimeFrom"),
            created_to=self.time("createdTimeTo"),
            statuses=self.statuses(),
            instance_id_prefix=self.text("instanceIdPrefix") or "",
            top=self.page_size(),
            continuation=continuation,
        )
