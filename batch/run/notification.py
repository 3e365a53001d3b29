"""The notification that a run has ended: what its orchestration carries, and when it tries again.

Each receiver has an orchestration of its own, so that none waits for another.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Self

from batch.run.steps import Answer
from batch.stored import Stored

GIVEN_UP_AFTER = timedelta(days=1)
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=5)
_MOST_DOUBLINGS = 8
"""The pause is the longest by then."""


class Receiver(StrEnum):
    """Where notifications go: an Event Grid topic, or the webhook of a URL."""

    TOPIC = "topic"
    WEBHOOK = "webhook"


class Notify(Stored):
    """The input of ``notify``. ``started_at`` tells the run from an earlier one with this id, which was purged."""

    run_id: str
    started_at: str
    receiver: Receiver


class Notified(Answer):
    """The answer of ``notify``: the receiver has accepted the event, or why not.

    ``not_ended``: the run is about to end. ``no_turn``: as many as may be are on their way to the receiver already.
    ``gone``: there is nothing to tell any more.
    """

    sent: bool = False
    not_ended: bool = False
    no_turn: bool = False
    gone: bool = False


class Notification(Stored):
    """The state of the orchestration. ``since`` is when it began, ``tries`` counts those before this one.

    ``failures`` counts those of them that failed: the others sent nothing.
    """

    run_id: str
    started_at: str
    receiver: Receiver
    since: datetime | None = None
    tries: int = 0
    failures: int = 0

    @property
    def instance_id(self) -> str:
        """No run id has a colon."""
        return f"notify:{self.receiver}:{event_id(self.run_id, self.started_at)}"

    def begun(self, now: datetime) -> Self:
        return self if self.since else self.model_copy(update={"since": now})

    def tried(self, answer: Notified) -> Self:
        failures = self.failures + (answer.error is not None)
        return self.model_copy(update={"tries": self.tries + 1, "failures": failures})

    def next_try_at(self, answer: Notified, now: datetime) -> datetime | None:
        """None if there is none: the event is sent, cannot be sent, or was tried for a day."""
        if answer.sent or answer.gone or (answer.error and not answer.error.retryable):
            return None
        pause = min(_FIRST_PAUSE * 2 ** min(self.tries, _MOST_DOUBLINGS), _LONGEST_PAUSE)
        if answer.error and answer.error.retry_after:
            pause = max(pause, timedelta(seconds=answer.error.retry_after))
        due = now + pause
        return due if due < (self.since or now) + GIVEN_UP_AFTER else None


def event_id(run_id: str, started_at: str) -> str:
    """The same at every try, and another one for a later run with this id."""
    return sha256(f"{run_id} {started_at}".encode()).hexdigest()[:32]
