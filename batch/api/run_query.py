"""Query of ``GET /api/batch-runs``: which runs, and how many at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Self

from batch.api.list_place import FIRST, ListPlace
from batch.api.run_view import PHASES, started_at
from batch.errors import FieldError, InvalidRequest
from batch.run.believed_status import TERMINATED, UNFINISHED_RUNTIME_STATUSES
from batch.settings import parse_whole_number
from batch.timestamps import parse_timestamp

MAX_TOP = 200
DEFAULT_TOP = 50
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""No run is older, and from here one can still reckon back."""

_STOPPED = ("Terminated", "Canceled")
# A run that does not complete tells its end a moment before the runtime does (up to a minute where a host was
# killed), and may be stopped in between. Not asked for in that time: among unfinished instances are all entities.
_NOT_COMPLETED = ("Failed", *_STOPPED)
_RUNTIME_STATUSES = {
    "Completed": ("Completed",),
    "Failed": _NOT_COMPLETED,
    "Canceled": _NOT_COMPLETED,
    "TimedOut": _NOT_COMPLETED,
    TERMINATED: _STOPPED,
}


@dataclass(frozen=True, slots=True)
class RunQuery:
    """``phases`` empty means all; times bound the start of a run, both inclusive; ``place`` is where to go on."""

    phases: frozenset[str] = frozenset()
    started_from: datetime | None = None
    started_to: datetime | None = None
    prefix: str = ""
    top: int = DEFAULT_TOP
    place: ListPlace = FIRST

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """From query parameters of these names; ``phase`` takes several, by commas. Raises InvalidRequest."""
        errors: list[FieldError] = []

        def time(name: str) -> datetime | None:
            moment = parse_timestamp(params.get(name))
            if name in params and moment is None:
                errors.append(FieldError(name, "must be an ISO 8601 time, such as 2026-01-31T12:00:00Z"))
            return moment and max(moment, EARLIEST)

        known = {"phase", "started_from", "started_to", "prefix", "top", "continuation", "code", "clientId"}
        errors += [FieldError(name, "is not a known parameter") for name in params if name not in known]
        phases = frozenset(part.strip() for part in params.get("phase", "").split(",") if part.strip())
        if phases - set(PHASES):
            errors.append(FieldError("phase", f"must be of {', '.join(PHASES)}"))
        top = DEFAULT_TOP
        try:
            top = parse_whole_number(params.get("top", str(DEFAULT_TOP)), MAX_TOP)
        except ValueError as error:
            errors.append(FieldError("top", str(error)))
        started_from, started_to = time("started_from"), time("started_to")
        place = FIRST
        try:
            place = ListPlace.read(params["continuation"]) if "continuation" in params else place
        except ValueError:
            errors.append(FieldError("continuation", "was not given by a page of this list"))
        if errors:
            raise InvalidRequest(errors)
        return cls(phases, started_from, started_to, params.get("prefix", ""), top, place)

    @property
    def runtime_statuses(self) -> tuple[str, ...]:
        """The runtime's statuses that the wanted phases can have: it filters by these, we by phase."""
        wanted = (_RUNTIME_STATUSES.get(phase, UNFINISHED_RUNTIME_STATUSES) for phase in sorted(self.phases))
        return tuple(dict.fromkeys(chain.from_iterable(wanted)))

    def selects(self, view: Mapping[str, Any]) -> bool:
        started = started_at(view)
        return (
            (not self.phases or view["phase"] in self.phases)
            and (self.started_from is None or (started is not None and started >= self.started_from))
            and (self.started_to is None or (started is not None and started <= self.started_to))
        )
