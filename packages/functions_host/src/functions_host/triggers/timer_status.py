"""When timers last ran. The file lets a restarted host find the occurrences that it missed."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """``last`` is the last run, or when the host first saw the timer; ``next`` is the occurrence after it."""

    last: datetime
    next: datetime


class TimerStatusFile:
    """One small JSON file, replaced as a whole. If it cannot be read, all timers count as never run (logged).

    If it cannot be written, the timers go on (logged): only a restart before the next write would miss something.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._statuses = self._read()

    def get(self, name: str) -> TimerStatus | None:
        return self._statuses.get(name)

    def set(self, name: str, status: TimerStatus) -> None:
        self._statuses[name] = status
        document = {
            key: {"Last": value.last.isoformat(), "Next": value.next.isoformat()}
            for key, value in self._statuses.items()
        }
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            fresh.write_text(json.dumps(document, indent=2), encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written: %s.", self._path, error)

    def _read(self) -> dict[str, TimerStatus]:
        if not self._path.exists():
            return {}
        try:
            return {
                name: TimerStatus(datetime.fromisoformat(one["Last"]), datetime.fromisoformat(one["Next"]))
                for name, one in json.loads(self._path.read_text(encoding="utf-8")).items()
            }
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("%s is not readable (%s): no timer counts as past due.", self._path, error)
            return {}
