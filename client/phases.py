"""Phases as a terminal shows them. Which there are and what they mean: ``batch/run/phases.py``."""

from batch.run.phases import ENDED_RUNTIME_STATUSES, PHASES, UNKNOWN_OUTCOME_EXIT_CODE
from client.run_client import View

_COLORS = {"ok": "green", "bad": "red", "warn": "yellow"}
_DEFAULT_COLOR = "cyan"


def has_ended(view: View) -> bool:
    """A run reports its outcome a little before the runtime does, or long before it if the host was killed."""
    facts = PHASES.get(view["phase"])
    return (facts is not None and facts.ended) or view["runtime_status"] in ENDED_RUNTIME_STATUSES


def exit_code(phase: str) -> int:
    """Of a run that ended in this phase, which may be one that only another version of the app knows."""
    facts = PHASES.get(phase)
    known = facts.exit_code if facts else None
    return UNKNOWN_OUTCOME_EXIT_CODE if known is None else known


def exit_codes() -> dict[int, list[str]]:
    """The phases of each exit code, in the order of the codes."""
    codes = {phase: facts.exit_code for phase, facts in PHASES.items() if facts.exit_code is not None}
    return {code: [phase for phase in codes if codes[phase] == code] for code in sorted(set(codes.values()))}


def color(phase: str) -> str:
    """For a terminal, as rich names it."""
    facts = PHASES.get(phase)
    return _COLORS.get(facts.tone, _DEFAULT_COLOR) if facts else _DEFAULT_COLOR
