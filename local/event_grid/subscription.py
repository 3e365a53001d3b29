"""An event subscription: filter, endpoint, form of delivery, and disturbances on purpose."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.event_grid.event import Event, Schema, written
from local.event_grid.retry import RetryPolicy

_NAME = re.compile(r"[A-Za-z0-9-]{3,64}")
_MOST_VALUES = 25


@dataclass(frozen=True, slots=True)
class StringIn:
    """Advanced filter: the text at ``key`` (a path with dots) is one of ``values``, in any letter case."""

    key: str
    values: Sequence[str]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= _MOST_VALUES:
            raise ValueError(f"{self.key}: a filter takes 1 to {_MOST_VALUES} values, not {len(self.values)}")

    def matches(self, document: Mapping[str, object]) -> bool:
        value: object = document
        for name in self.key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return isinstance(value, str) and value.lower() in {wanted.lower() for wanted in self.values}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All parts must match. Keys of ``advanced`` are those of the delivered schema.

    Event Grid behaviour: the letter case of subjects counts only if the subscription says so.
    """

    event_types: Sequence[str] = ()
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    subject_case_sensitive: bool = False
    advanced: Sequence[StringIn] = ()

    def matches(self, event: Event, schema: Schema) -> bool:
        if self.event_types and event.type.lower() not in {name.lower() for name in self.event_types}:
            return False
        subject, begin, end = event.subject, self.subject_begins_with, self.subject_ends_with
        if not self.subject_case_sensitive:
            subject, begin, end = subject.lower(), begin.lower(), end.lower()
        if not (subject.startswith(begin) and subject.endswith(end)):
            return False
        return not self.advanced or all(part.matches(written(event, schema)) for part in self.advanced)


@dataclass(frozen=True, slots=True)
class Batching:
    """At most ``max_events`` in a request, and no more than fit ``preferred_kilobytes``.

    Event Grid behaviour: no event waits for a batch to fill; a larger event is sent alone.
    """

    max_events: int = 1
    preferred_kilobytes: int = 64

    def __post_init__(self) -> None:
        if not (1 <= self.max_events <= 5000 and 1 <= self.preferred_kilobytes <= 1024):
            raise ValueError(f"a batch has 1 to 5000 events and 1 to 1024 KB, not {self}")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Duplicates, another order, and losses, on purpose.

    Each event is delivered ``copies`` times, each copy after its own random delay up to ``spread`` seconds (so
    the order changes). A share ``loss`` (0 to 1) of the events is not delivered. The delays and losses depend
    only on ``seed`` and the event's id.
    """

    copies: int = 1
    spread: float = 0.0
    loss: float = 0.0
    seed: int = 0

    def delays(self, event_id: str) -> Iterator[float]:
        """Seconds to wait, for each copy to deliver."""
        chance = random.Random(f"{self.seed}:{event_id}")  # noqa: S311 - repeatable on purpose
        if chance.random() >= self.loss:
            for _ in range(self.copies):
                yield chance.uniform(0.0, self.spread)


@dataclass(frozen=True, slots=True)
class Subscription:
    """``dead_letter`` is a folder; without one, events that cannot be delivered are dropped."""

    name: str
    url: str
    filter: EventFilter = field(default_factory=EventFilter)
    schema: Schema = Schema.EVENT_GRID
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    batching: Batching = field(default_factory=Batching)
    dead_letter: Path | None = None
    disturbance: Disturbance = field(default_factory=Disturbance)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a subscription name has 3 to 64 letters, digits and '-', not {self.name!r}")
