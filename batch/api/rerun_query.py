"""Query of ``POST /api/batch-runs/rerun``: which runs are to be run again, and whether for real."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from batch.api.run_query import RunQuery
from batch.errors import KNOWN_CODES, FieldError, InvalidRequest
from batch.run.phases import TERMINATED, Phase
from batch.settings import parse_whole_number

MAX_RERUNS = 500
"""Runs that one call runs again."""
RERUN_PHASES = (Phase.FAILED.value, Phase.TIMED_OUT.value, Phase.CANCELED.value, TERMINATED)
DEFAULT_PHASES = frozenset(RERUN_PHASES[:2])
_OWN = frozenset({"error", "dry_run", "top"})
_YES_OR_NO = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class RerunQuery:
    """``runs`` are the list's filters, with ended phases only. ``error`` is a code; empty text selects all.

    ``top`` is how many runs the call may select.
    """

    runs: RunQuery
    error: str = ""
    dry_run: bool = False
    top: int = MAX_RERUNS

    @classmethod
    def parse(cls, params: Mapping[str, str], body: bytes) -> Self:
        """Raises InvalidRequest. A body is refused: a filter that was sent there would select all runs."""
        errors: list[FieldError] = []
        if body.strip():
            errors.append(FieldError("body", "must be empty: filters are query parameters"))
        runs, error, dry_run, top = RunQuery(), params.get("error", ""), False, MAX_RERUNS
        try:
            runs = RunQuery.parse({name: value for name, value in params.items() if name not in _OWN})
        except InvalidRequest as refused:
            errors += refused.errors
        if runs.phases - set(RERUN_PHASES):
            errors.append(
                FieldError("phase", f"must be one of these, or several by commas: {', '.join(RERUN_PHASES)}")
            )
        if error and error not in KNOWN_CODES:
            errors.append(FieldError("error", f"must be one of {', '.join(sorted(KNOWN_CODES))}"))
        if "dry_run" in params:
            given = params["dry_run"].strip().lower()
            dry_run = _YES_OR_NO.get(given, False)
            if given not in _YES_OR_NO:
                errors.append(FieldError("dry_run", "must be true or false"))
        if "top" in params:
            try:
                top = parse_whole_number(params["top"], MAX_RERUNS)
            except ValueError as wrong:
                errors.append(FieldError("top", str(wrong)))
        if errors:
            raise InvalidRequest(errors)
        return cls(replace(runs, phases=runs.phases or DEFAULT_PHASES), error, dry_run, top)
