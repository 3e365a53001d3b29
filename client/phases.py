"""What the client knows of phases: which of them end a run, their colors and their exit codes."""

from client.run_client import View

EXIT_CODES = {"Completed": 0, "Failed": 1, "Canceled": 3, "TimedOut": 4, "Terminated": 1}
_COLORS = {
    "Completed": "green",
    "Failed": "red",
    "Canceled": "yellow",
    "TimedOut": "red",
    "Terminated": "red",
}
ENDED_PHASES = frozenset(EXIT_CODES)
ENDED_RUNTIME_STATUSES = frozenset({"Completed", "Failed", "Terminated", "Canceled"})


def has_ended(view: View) -> bool:
    """A run reports its outcome a little before the runtime does, or long before it if the host was killed."""
    return view["phase"] in ENDED_PHASES or view["runtime_status"] in ENDED_RUNTIME_STATUSES


def exit_code(phase: str) -> int:
    """Of a run that ended in this phase; 1 for a phase that this version does not know."""
    return EXIT_CODES.get(phase, 1)


def exit_codes() -> dict[int, list[str]]:
    """The phases of each exit code, in the order of the codes."""
    return {
        code: [phase for phase, its_code in EXIT_CODES.items() if its_code == code]
        for code in sorted(set(EXIT_CODES.values()))
    }


def color(phase: str) -> str:
    """For a terminal, as rich names it."""
    return _COLORS.get(phase, "cyan")
