"""Phases as a terminal shows them. Which there are and what they mean: ``batch/run/phases.py``."""

from batch.run import phases
from batch.run.phases import PHASES, UNKNOWN_OUTCOME_EXIT_CODE
from client.run_client import View

_COLORS = {"ok": "green", "bad": "red", "warn": "yellow"}
_DEFAULT_COLOR = "cyan"


def has_ended(view: View) -> bool:
    return phases.has_ended(view["phase"], view["runtime_status"])


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
