"""Query of ``GET /api/batch-runs``: which runs, and how many at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Self

from batch.api.continuation import FIRST_PAGE, Continuation
from batch.api.run_view import RunView
from batch.errors import FieldError, InvalidRequest
from batch.run.phases import PHASES
from batch.settings import parse_whole_number
from batch.timestamps import parse_timestamp

MAX_TOP = 200
"""Runs of a page, which is built in one call of the app."""
DEFAULT_TOP = 50
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""No run is older. A time near year 1 would underflow where the task hub is asked from a little earlier."""
_PLATFORM_PARAMETERS = frozenset({"code", "clientId"})
"""In Azure a caller may send its function key in these."""


@dataclass(frozen=True, slots=True)
class RunQuery:
    """``phases`` empty means all; times bound the start of a run, both inclusive; ``place`` is where to go on."""

    phases: frozenset[str] = frozenset()
    started_from: datetime | None = None
    started_to: datetime | None = None
    prefix: str = ""
    top: int = DEFAULT_TOP
    place: Continuation = FIRST_PAGE

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """From query parameters of these names; ``phase`` takes several, by commas. Raises InvalidRequest."""
        errors: list[FieldError] = []

        def time(name: str) -> datetime | None:
            moment = parse_timestamp(params.get(name))
            if name in params and moment is None:
                errors.append(FieldError(name, "must be an ISO 8601 time, such as 2026-01-31T12:00:00Z"))
            return moment and max(moment, EARLIEST)

        known = {
            "phase",
            "started_from",
            "started_to",
            "prefix",
            "top",
            "continuation",
        } | _PLATFORM_PARAMETERS
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
        place = FIRST_PAGE
        try:
            place = Continuation.decode(params["continuation"]) if "continuation" in params else place
        except ValueError:
            errors.append(FieldError("continuation", "was not given by a page of this list"))
        if errors:
            raise InvalidRequest(errors)
        return cls(phases, started_from, started_to, params.get("prefix", ""), top, place)

    @property
    def runtime_statuses(self) -> tuple[str, ...]:
        """The runtime statuses that the wanted phases can have: the task hub filters by these, then we by phase."""
        possible = (PHASES[phase].runtime_statuses for phase in sorted(self.phases))
        return tuple(dict.fromkeys(chain.from_iterable(possible)))

    def selects(self, view: RunView) -> bool:
        started = parse_timestamp(view["started_at"])
        return (
            (not self.phases or view["phase"] in self.phases)
            and (self.started_from is None or (started is not None and started >= self.started_from))
            and (self.started_to is None or (started is not None and started <= self.started_to))
        )
