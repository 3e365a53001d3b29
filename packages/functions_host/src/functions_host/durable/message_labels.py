"""The times by which an entity sorts the messages of one execution."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_TICKS_PER_MICROSECOND = 10


@dataclass(frozen=True, slots=True)
class MessageLabel:
    """``predecessor`` is the time of the previous message; the first message has the year 1."""

    timestamp: str
    predecessor: str


class MessageLabels:
    """Each message to the same receiver gets a later time than the one before.

    durable-functions behaviour: if the clock has not advanced, the time is one tick of 100 ns later and is
    written without a zone.
    """

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[int, str]] = {}

    def next(self, receiver: Hashable, now: datetime) -> MessageLabel:
        last_ticks, last_text = self._last.get(receiver, (-1, "0001-01-01T00:00:00"))
        ticks = (now - _BEGINNING) // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND
        if ticks > last_ticks:
            text = f"{_text(ticks)}Z"
        else:
            ticks = last_ticks + 1
            text = _text(ticks)
        self._last[receiver] = ticks, text
        return MessageLabel(text, last_text)


def _text(ticks: int) -> str:
    microseconds, rest = divmod(ticks, _TICKS_PER_MICROSECOND)
    moment = datetime.min + timedelta(microseconds=microseconds)
    return f"{moment.isoformat(timespec='microseconds')}{rest}"
