"""A queue of keys of which each is worked on by at most one worker at a time."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class KeyedQueue(Generic[K]):
    """A key added while it is worked on comes again afterwards, once, however often it was added."""

    def __init__(self) -> None:
        self._ready: dict[K, None] = {}
        self._running: set[K] = set()
        self._again: set[K] = set()
        self._held: set[K] = set()

    @property
    def running(self) -> int:
        return len(self._running)

    def hold(self, key: K) -> None:
        """Until ``free`` the key is given to no worker, however often it is added."""
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
        """The key that waits longest, which is then being worked on; None if no key waits."""
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
