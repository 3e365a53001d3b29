"""A table of the ledger that fails, or whose caller is killed, where the plan says so."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ledger.errors import LedgerUnavailable
from ledger.table import Change, Key, Query, Row, RowChanged, RowExists, Table
from tests.faults.plan import Fault, Faults

T = TypeVar("T")

_BUSY_FOR = {Fault.BUSY: 1.0, Fault.BUSY_LONG: 60.0}
"""Seconds. The ledger itself waits for the first and not for the second."""


class FaultyTable:
    def __init__(self, table: Table, faults: Faults) -> None:
        self._table = table
        self._faults = faults

    async def read(self, key: Key) -> Row | None:
        return await self._do(f"ledger reads {key.row}", lambda: self._table.read(key))

    async def write(self, *changes: Change) -> None:
        words = ", ".join(f"{type(change).__name__} {change.key.row}" for change in changes)
        await self._do(f"ledger writes {words}", lambda: self._table.write(*changes))

    async def rows(self, query: Query) -> list[Row]:
        return await self._do(f"ledger lists {query.after}", lambda: self._table.rows(query))

    async def _do(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        fault = await self._faults.before(operation)
        if fault in _BUSY_FOR:
            raise LedgerUnavailable("it is busy", retry_after=_BUSY_FOR[fault])
        if fault is Fault.LOST_BEFORE:
            raise LedgerUnavailable("it gave no answer")
        try:
            answer = await call()
        except (RowExists, RowChanged):
            self._after(fault)
            raise
        self._after(fault)
        return answer

    def _after(self, fault: Fault | None) -> None:
        self._faults.after(fault)
        if fault is Fault.LOST_AFTER:
            raise LedgerUnavailable("it gave no answer")
