"""A queue of keys. At most one task works on a key at a time."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class KeyedQueue(Generic[K]):
    """A key that is added while a task works on it becomes ready once more when that task releases it."""

    def __init__(self) -> None:
        self._ready: dict[K, None] = {}
        self._running: set[K] = set()
        self._again: set[K] = set()
        self._held: set[K] = set()

    @property
    def running(self) -> int:
        return len(self._running)

    def hold(self, key: K) -> None:
        """Until ``free``, ``take`` does not return the key, and ``add`` ignores it."""
        self._held.add(key)

    def free(self, key: K) -> None:
        """Ends ``hold`` and adds the key."""
        self._held.discard(key)
        self.add(key)

    def add(self, key: K) -> None:
        if key in self._held:
            return
        if key in self._running:
            self._again.add(key)
        else:
            self._ready[key] = None

    def take(self) -> K | None:
        """The key that has waited longest; None if no key waits. The caller must ``release`` it."""
        key = next(iter(self._ready), None)
        if key is not None:
            del self._ready[key]
            self._running.add(key)
        return key

    def release(self, key: K) -> None:
        self._running.discard(key)
        if key in self._again:
            self._again.discard(key)
            self._ready[key] = None
