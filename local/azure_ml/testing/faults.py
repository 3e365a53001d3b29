"""Faults on demand: which requests they apply to, how often, and what they do. See ``local/README.md``."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


class Operation(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of an operation
    IDENTITY = "identity"
    DISCOVERY = "discovery"
    INVOKE = "invoke"
    GET_JOB = "get_job"
    ARM_GET = "arm_get"
    LIST = "list"
    CANCEL = "cancel"
    CANCEL_STATUS = "cancel_status"
    DATA_ASSET = "data_asset"
    DATASTORE = "datastore"
    RUN_DETAILS = "run_details"
    RUN_CHILDREN = "run_children"
    LOG_FILE = "log_file"
    OTHER = "other"


Action = Literal[
    "answer", "drop", "delay", "hold", "trickle", "duplicate", "lose_race", "lag", "track_elsewhere"
]
Body = Literal["envelope-a", "envelope-b", "arm", "entra", "identity", "text", "malformed", "empty"]

# These change what the operation itself does; the others act before it or after it.
_CHANGES: dict[Action, Operation] = {
    "duplicate": Operation.INVOKE,
    "lose_race": Operation.CANCEL,
    "lag": Operation.LIST,
    "track_elsewhere": Operation.GET_JOB,
}
_TRICKLE_PAUSE = 0.25
"""Seconds. A client that waits longer for each byte never meets a silence that is too long."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FaultSpec:
    operation: Operation
    action: Action
    when: Literal["before", "after"] = "before"
    times: int | None = 1
    rate: float = 1.0
    skip: int = 0
    job: str | None = None
    audience: str | None = None
    status: int = 500
    body: Body | None = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: int | None = None
    retry_after_form: Literal["seconds", "http-date"] = "seconds"
    seconds: float | None = None
    jobs: int = 2

    def __post_init__(self) -> None:
        belongs_to = _CHANGES.get(self.action)
        if belongs_to is not None and belongs_to != self.operation:
            raise ValueError(f"action {self.action!r} belongs to operation {belongs_to.value!r}")
        if self.action == "delay" and self.seconds is None:
            raise ValueError("action 'delay' needs 'seconds'")
        if self.audience is not None and self.operation not in (Operation.TOKEN, Operation.IDENTITY):
            raise ValueError(f"'audience' does not belong to operation {self.operation.value!r}")

    @property
    def changes_operation(self) -> bool:
        return self.action in _CHANGES

    @property
    def ends_request(self) -> bool:
        return self.action in ("answer", "drop")


class Fault:
    """One fault, and its counters.

    ``seen`` counts matching requests, ``applied`` those it applied to, ``waiting`` those that it holds now.
    """

    def __init__(self, fault_id: str, spec: FaultSpec) -> None:
        self.id = fault_id
        self.spec = spec
        self.seen = 0
        self.applied = 0
        self.waiting = 0
        self.added_at = time.time()
        self.discarded = False
        self._released = asyncio.Event()

    def applies(self, draw: random.Random) -> bool:
        self.seen += 1
        if self.seen <= self.spec.skip:
            return False
        if self.spec.times is not None and self.applied >= self.spec.times:
            return False
        if draw.random() >= self.spec.rate:
            return False
        self.applied += 1
        return True

    async def hold(self, limit: float | None = None) -> None:
        """Returns once the fault is removed, or after ``limit`` seconds."""
        with self._waiting():
            await self._is_released_within(limit)

    async def trickle(self, send: Callable[[], Awaitable[None]]) -> None:
        """Calls ``send`` again and again until the fault is removed, or for its ``seconds``."""
        ends_at = time.monotonic() + (float("inf") if self.spec.seconds is None else self.spec.seconds)
        with self._waiting():
            while time.monotonic() < ends_at:
                await send()
                if await self._is_released_within(_TRICKLE_PAUSE):
                    return

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    async def _is_released_within(self, limit: float | None) -> bool:
        try:
            async with asyncio.timeout(limit):
                return await self._released.wait()
        except TimeoutError:
            return False

    def release(self, discard: bool) -> None:
        self.discarded = discard
        self._released.set()

    @property
    def hides_jobs_since(self) -> float:
        """For a lagging list: it leaves out jobs created since then (seconds since the epoch)."""
        if self._released.is_set():
            return float("inf")
        return (
            self.added_at
            if self.spec.seconds is None
            else max(self.added_at, time.time() - self.spec.seconds)
        )


class Faults:
    """The active faults. The seed is fixed: the same requests in the same order get the same faults."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._ids = itertools.count(1)
        self._draw = random.Random(0)  # noqa: S311 - chooses requests, not keys

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def get(self, fault_id: str) -> Fault | None:
        return self._faults.get(fault_id)

    def add(self, spec: FaultSpec) -> Fault:
        fault = Fault(f"fault-{next(self._ids)}", spec)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: str, discard: bool = False) -> Fault | None:
        """Removes a fault. Requests that it holds continue; with ``discard`` their connections are cut."""
        fault = self._faults.pop(fault_id, None)
        if fault is not None:
            fault.release(discard)
        return fault

    def clear(self) -> None:
        for fault_id in list(self._faults):
            self.remove(fault_id)

    def applying_to(self, operation: Operation, job: str | None, audience: str | None) -> list[Fault]:
        """The faults that apply to this one request, oldest first. ``audience`` is that of the asked token.

        At most one of them ends it, so that several answers, added in a row, apply to one request each.
        """
        applying: list[Fault] = []
        for fault in self._faults.values():
            spec = fault.spec
            if spec.operation != operation or spec.job not in (None, job):
                continue
            if spec.audience is not None and spec.audience.rstrip("/") != (audience or "").rstrip("/"):
                continue
            if spec.ends_request and any(other.spec.ends_request for other in applying):
                continue
            if fault.applies(self._draw):
                applying.append(fault)
        return applying
