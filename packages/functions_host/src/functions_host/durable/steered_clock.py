"""A clock that another process controls through a file: a test can skip hours, or stop the time.

The file remains when the host ends, so the time continues after a restart or a kill.
"""

import asyncio
import json
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Seconds. The pace may change during a sleep.
_LONGEST_SINGLE_WAIT = 0.02


@dataclass(frozen=True, slots=True)
class _Course:
    """When the machine's clock showed ``since``, this one showed ``shown``: both in microseconds since 1970."""

    since: int
    shown: int
    pace: float

    def at(self, moment: int) -> int:
        return self.shown + round((moment - self.since) * self.pace)


class ClockFile:
    """Controls the clock. A new file starts with the machine's time.

    ``pace`` is the number of seconds that pass in one second of the machine; at 0 time stands still.
    """

    def __init__(self, path: Path, pace: float = 1.0) -> None:
        self.path = path
        if not path.exists():
            now = _microseconds()
            self._write(_Course(since=now, shown=now, pace=pace))

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._course().at(_microseconds()))

    def run(self, pace: float) -> None:
        now = _microseconds()
        self._write(_Course(since=now, shown=self._course().at(now), pace=pace))

    def skip(self, seconds: int) -> None:
        course = self._course()
        self._write(replace(course, shown=course.shown + seconds * 1_000_000))

    def _course(self) -> _Course:
        return _Course(**json.loads(self.path.read_text()))

    def _write(self, course: _Course) -> None:
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.write_text(json.dumps(asdict(course)))
        fresh.replace(self.path)


class SteeredClock:
    """A ``Clock`` that shows the time of a clock file."""

    def __init__(self, path: Path) -> None:
        self._file = ClockFile(path)
        self._no_hold = nullcontext()

    def now(self) -> datetime:
        return self._file.now()

    async def sleep_until(self, due: datetime) -> None:
        while due > self.now():  # noqa: ASYNC110 - waits for time itself
            await asyncio.sleep(_LONGEST_SINGLE_WAIT)

    def working(self) -> AbstractContextManager[None]:
        return self._no_hold


def _microseconds() -> int:
    return time.time_ns() // 1_000
