"""What goes wrong, and at which operation: each call of the ledger, the task hub and Azure ML is one operation."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

MEANWHILE_TAKES_AT_MOST = 30.0


class Fault(StrEnum):
    """What happens instead of an answer. ``BUSY`` is refused for a second, ``BUSY_LONG`` for minutes."""

    LOST_BEFORE = "the answer is lost, nothing happened"
    LOST_AFTER = "the answer is lost, it happened"
    BUSY = "refused, with a short Retry-After"
    BUSY_LONG = "refused, with a long Retry-After"
    KILLED_BEFORE = "the process is killed before it"
    KILLED_AFTER = "the process is killed after it"


class Killed(BaseException):
    """The process ends here. No code of the app may catch it."""


Meanwhile = Callable[[], Awaitable[None]]
"""Something that others do completely, right before the operation. Its own operations are not counted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """By the number of the operation, from 1 on."""

    faults: Mapping[int, Fault] = field(default_factory=dict)
    meanwhile: Mapping[int, Meanwhile] = field(default_factory=dict)


class _Process:
    """What its tasks and threads do after the kill does not happen any more. ``memory`` ends with it."""

    def __init__(self) -> None:
        self.killed = False
        self.memory: dict[Callable[..., Any], Any] = {}

    def kill(self) -> None:
        self.killed = True
        raise Killed

    def check(self) -> None:
        if self.killed:
            raise Killed


_current: ContextVar[_Process] = ContextVar("process")


@contextmanager
def process() -> Iterator[None]:
    """What runs in the block, its tasks and threads are a process of their own."""
    token = _current.set(_Process())
    try:
        yield
    finally:
        _current.reset(token)


def memory_of_process(make: Callable[..., T], *of: Any) -> T:
    """What ``make`` made of ``of`` in this process: once."""
    memory = _current.get().memory
    if make not in memory:
        memory[make] = make(*of)
    kept: T = memory[make]
    return kept


class Faults:
    """Counts the operations and makes the faults of ``plan`` happen. ``happened`` says which did."""

    def __init__(self, plan: Plan, loop: asyncio.AbstractEventLoop) -> None:
        self._plan = plan
        self._loop = loop
        self._paused = False
        self.operations: list[str] = []
        self.happened: list[str] = []

    @property
    def over(self) -> bool:
        """Nothing is left of the plan."""
        return len(self.happened) == len(self._plan.faults) + len(self._plan.meanwhile)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For what the test itself looks up."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    async def before(self, operation: str) -> Fault | None:
        if meanwhile := self._counted(operation):
            await self._act(meanwhile)
        return self._fault()

    def before_in_thread(self, operation: str) -> Fault | None:
        if meanwhile := self._counted(operation):
            action = self._act(meanwhile)
            asyncio.run_coroutine_threadsafe(action, self._loop).result(MEANWHILE_TAKES_AT_MOST)
        return self._fault()

    def after(self, fault: Fault | None) -> None:
        if self._paused:
            return
        if fault is Fault.KILLED_AFTER:
            _current.get().kill()
        # Another task of this process may have been killed.
        _current.get().check()

    def _counted(self, operation: str) -> Meanwhile | None:
        if self._paused:
            return None
        _current.get().check()
        self.operations.append(operation)
        return self._plan.meanwhile.get(len(self.operations))

    async def _act(self, meanwhile: Meanwhile) -> None:
        self.happened.append(f"something else before {self._last()}")
        with self.paused():
            await meanwhile()

    def _fault(self) -> Fault | None:
        if self._paused:
            return None
        fault = self._plan.faults.get(len(self.operations))
        if fault:
            self.happened.append(f"{fault} at {self._last()}")
        if fault is Fault.KILLED_BEFORE:
            _current.get().kill()
        return fault

    def _last(self) -> str:
        return f"{len(self.operations)} {self.operations[-1]}"
