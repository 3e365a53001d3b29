"""Calls that come while a write of their row is on its way share the next write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from ledger.table import Key, Table

T = TypeVar("T")


class _Group(Generic[T]):
    """What one write holds. A closed group takes no more: its write has begun."""

    def __init__(self, table: Table, key: Key) -> None:
        self.table = table
        self.key = key
        self.items: list[T] = []
        self.is_closed = False
        self.task: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        # A task that was canceled before its first step has closed nothing.
        return not (self.is_closed or (self.task and self.task.done()))


_Groups = dict[tuple[int, Key], _Group[T]]
"""The latest group of each row: of a table, by its identity, and a key."""


class GroupCommit(Generic[T]):
    """Writes what calls give, in groups: for each row one write at a time, and one group that waits for it.

    So the writes of a row in one process do not contend with each other, however many calls come at once. Each event
    loop has groups of its own. ``write`` gets the items of a group in the order of the calls, and raises nothing.
    """

    def __init__(self, write: Callable[[Table, Key, list[T]], Awaitable[None]]) -> None:
        self._write = write
        self._latest: WeakKeyDictionary[asyncio.AbstractEventLoop, _Groups[T]] = WeakKeyDictionary()

    def add(self, table: Table, key: Key, item: T) -> asyncio.Task[None]:
        """The task of the write that holds ``item``. A caller that gives up its wait must not cancel it."""
        latest = self._latest.setdefault(asyncio.get_running_loop(), {})
        group = latest.get((id(table), key))
        if group is None or not group.is_open:
            before = group.task if group else None
            group = latest[(id(table), key)] = _Group(table, key)
            group.task = asyncio.create_task(self._run(latest, group, before))
        group.items.append(item)
        assert group.task, "it was made with the group"
        return group.task

    async def _run(self, latest: _Groups[T], group: _Group[T], before: asyncio.Task[None] | None) -> None:
        try:
            if before and not before.done():
                await asyncio.wait({before})
            group.is_closed = True
            await self._write(group.table, group.key, group.items)
        finally:
            place = (id(group.table), group.key)
            if latest.get(place) is group:
                del latest[place]
