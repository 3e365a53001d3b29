"""A table that counts what it is asked."""

from dataclasses import dataclass

from ledger.table import Change, Key, Query, Row, Table


@dataclass(slots=True)
class CountingTable:
    """Passes all on to ``table``."""

    table: Table
    reads: int = 0
    queries: int = 0
    writes: int = 0

    async def read(self, key: Key) -> Row | None:
        self.reads += 1
        return await self.table.read(key)

    async def write(self, *changes: Change) -> None:
        self.writes += 1
        await self.table.write(*changes)

    async def rows(self, query: Query) -> list[Row]:
        self.queries += 1
        return await self.table.rows(query)
