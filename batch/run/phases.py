"""The one table of the phases of a run. The API, the list's filter, the page and the client all read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

UNFINISHED_RUNTIME_STATUSES = ("Pending", "Running", "ContinuedAsNew", "Suspended")
ENDED_RUNTIME_STATUSES = ("Canceled", "Completed", "Failed", "Terminated")
"""Statuses of an orchestration, as the Durable extension spells them."""


class Phase(StrEnum):
    """The phases that a run reports of itself; the last four are its outcomes."""

    AUTHORIZING = "Authorizing"
    SUBMITTING = "Submitting"
    QUEUED = "Queued"
    RUNNING = "Running"
    CANCELING = "Canceling"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"


PENDING = "Pending"
"""The phase of a run that has not reported any yet."""

TERMINATED = "Terminated"
"""The phase of a run whose orchestration was ended from outside."""


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """``tone`` selects a colour: wait, busy, ok, warn or bad.

    ``exit_code`` is that of a command that follows the run; None if a run in this phase goes on.
    """

    tone: str
    exit_code: int | None = None

    @property
    def ended(self) -> bool:
        return self.exit_code is not None


PHASES: Mapping[str, PhaseFacts] = {
    PENDING: PhaseFacts("wait"),
    Phase.AUTHORIZING.value: PhaseFacts("wait"),
    Phase.SUBMITTING.value: PhaseFacts("wait"),
    Phase.QUEUED.value: PhaseFacts("wait"),
    Phase.RUNNING.value: PhaseFacts("busy"),
    Phase.CANCELING.value: PhaseFacts("warn"),
    Phase.COMPLETED.value: PhaseFacts("ok", 0),
    Phase.FAILED.value: PhaseFacts("bad", 1),
    Phase.CANCELED.value: PhaseFacts("warn", 3),
    Phase.TIMED_OUT.value: PhaseFacts("bad", 4),
    TERMINATED: PhaseFacts("bad", 1),
}
OUTCOMES = frozenset(phase for phase in Phase if PHASES[phase].ended)
UNKNOWN_OUTCOME_EXIT_CODE = 1


def has_ended(phase: str, runtime_status: str) -> bool:
    """Whether a run has ended: it reports its outcome a little before the runtime does.

    For a phase that this version does not know, the runtime status decides.
    """
    facts = PHASES.get(phase)
    return (facts is not None and facts.ended) or runtime_status in ENDED_RUNTIME_STATUSES
