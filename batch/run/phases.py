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
    """``runtime_statuses`` are those that the orchestration of a run in this phase can have.

    ``tone`` selects a colour: wait, busy, ok, warn or bad. ``exit_code`` is that of a command that follows the run.
    """

    runtime_statuses: tuple[str, ...]
    tone: str
    exit_code: int | None = None

    @property
    def ended(self) -> bool:
        return self.exit_code is not None


_STOPPED = ("Terminated", "Canceled")
# A run that does not complete reports its end shortly before the runtime does (up to a minute if a host was killed),
# and may be terminated in between. The filter ignores that time: to include it, the task hub would have to list all
# entities, which are unfinished instances.
_NOT_COMPLETED = ("Failed", *_STOPPED)

PHASES: Mapping[str, PhaseFacts] = {
    PENDING: PhaseFacts(UNFINISHED_RUNTIME_STATUSES, "wait"),
    Phase.AUTHORIZING.value: PhaseFacts(UNFINISHED_RUNTIME_STATUSES, "wait"),
    Phase.SUBMITTING.value: PhaseFacts(UNFINISHED_RUNTIME_STATUSES, "wait"),
    Phase.QUEUED.value: PhaseFacts(UNFINISHED_RUNTIME_STATUSES, "wait"),
    Phase.RUNNING.value: PhaseFacts(UNFINISHED_RUNTIME_STATUSES, "busy"),
    Phase.CANCELING.value: PhaseFacts(UNFINISHED_RUNTIME_STATUSES, "warn"),
    Phase.COMPLETED.value: PhaseFacts(("Completed",), "ok", 0),
    Phase.FAILED.value: PhaseFacts(_NOT_COMPLETED, "bad", 1),
    Phase.CANCELED.value: PhaseFacts(_NOT_COMPLETED, "warn", 3),
    Phase.TIMED_OUT.value: PhaseFacts(_NOT_COMPLETED, "bad", 4),
    TERMINATED: PhaseFacts(_STOPPED, "bad", 1),
}
OUTCOMES = frozenset(phase for phase in Phase if PHASES[phase].ended)
UNKNOWN_OUTCOME_EXIT_CODE = 1


def has_ended(phase: str, runtime_status: str) -> bool:
    """Whether a run has ended: it reports its outcome a little before the runtime does.

    For a phase that this version does not know, the runtime status decides.
    """
    facts = PHASES.get(phase)
    return (facts is not None and facts.ended) or runtime_status in ENDED_RUNTIME_STATUSES
