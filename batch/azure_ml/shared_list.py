"""One reading of the list of jobs at a time, for all searches of this process that wait for one."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from batch import thread_pools
from batch.azure_ml.workspace_jobs import JobList


@dataclass(slots=True)
class _Reading:
    """A reading that has not begun: it goes back to the earliest of the times that were asked for."""

    since: datetime
    result: Future[JobList] = field(default_factory=Future)

    def __post_init__(self) -> None:
        # So that nobody who stops waiting cancels it for the others.
        self.result.set_running_or_notify_cancel()


class SharedList:
    """Who comes while the list is being read waits for the next reading: that one began after the question."""

    def __init__(self, read: Callable[[datetime], JobList]) -> None:
        self._read = read
        self._lock = Lock()
        self._next: _Reading | None = None
        self._busy = False

    def since(self, moment: datetime) -> Future[JobList]:
        """The jobs created at ``moment`` or later, and maybe earlier ones. The future raises RunError."""
        with self._lock:
            if self._next is None:
                self._next = _Reading(moment)
            reading = self._next
            reading.since = min(reading.since, moment)
            idle, self._busy = not self._busy, True
        if idle:
            thread_pools.azure_ml.submit(self._read_for_all)
        return reading.result

    def _read_for_all(self) -> None:
        while reading := self._take():
            try:
                listed = self._read(reading.since)
            except BaseException as error:
                reading.result.set_exception(error)
            else:
                reading.result.set_result(listed)

    def _take(self) -> _Reading | None:
        with self._lock:
            reading, self._next = self._next, None
            self._busy = reading is not None
            return reading
