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
"""For all advanced filters of a subscription together."""
_LONGEST_VALUE = 512


@dataclass(frozen=True, slots=True)
class _AnyOf:
    """Advanced filter: the text at ``key`` (a path with dots) fits one of ``values``, in any letter case."""

    key: str
    values: Sequence[str]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= _MOST_VALUES:
            raise ValueError(f"{self.key}: a filter takes 1 to {_MOST_VALUES} values, not {len(self.values)}")
        if any(len(value) > _LONGEST_VALUE for value in self.values):
            raise ValueError(f"{self.key}: a value of a filter has at most {_LONGEST_VALUE} characters")

    def matches(self, document: Mapping[str, object]) -> bool:
        value: object = document
        # Event Grid behaviour: ``Subject`` means the field ``subject``.
        for name in f"{self.key[0].lower()}{self.key[1:]}".split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return isinstance(value, str) and any(self._fits(value.lower(), one.lower()) for one in self.values)

    def _fits(self, text: str, value: str) -> bool:
        raise NotImplementedError


class StringIn(_AnyOf):
    def _fits(self, text: str, value: str) -> bool:
        return text == value


class StringBeginsWith(_AnyOf):
    def _fits(self, text: str, value: str) -> bool:
        return text.startswith(value)


class StringEndsWith(_AnyOf):
    def _fits(self, text: str, value: str) -> bool:
        return text.endswith(value)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All parts must match. Keys of ``advanced`` are those of the delivered schema.

    Event Grid behaviour: the letter case of subjects counts only if the subscription says so.
    """

    event_types: Sequence[str] = ()
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    subject_case_sensitive: bool = False
    advanced: Sequence[StringIn | StringBeginsWith | StringEndsWith] = ()

    def __post_init__(self) -> None:
        count = sum(len(part.values) for part in self.advanced)
        if count > _MOST_VALUES:
            raise ValueError(f"a subscription takes {_MOST_VALUES} filter values, not {count}")

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
