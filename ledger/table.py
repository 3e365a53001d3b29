"""A table with conditional writes and keys in order, as Azure Table Storage and SQLite both offer it.

Rows of one partition are ordered by the code points of their row keys. One write of several changes to one partition
happens as a whole or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Key:
    """Of ASCII letters, digits, spaces and ``.``, ``_``, ``-``: what both stores take as it is."""

    partition: str
    row: str


@dataclass(frozen=True, slots=True)
class Row:
    """``etag`` stands for this content of the row: it changes with each write.

    Names of values have ASCII letters, digits and ``_``, begin with a letter and do not end like ``__part0``.
    Values are texts that UTF-8 can hold.
    """

    key: Key
    values: Mapping[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class Insert:
    """A row that must not exist yet."""

    key: Key
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Replace:
    """The whole content of a row that is still as it was when it was read with ``etag``."""

    key: Key
    values: Mapping[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Some values of a row that must exist; its other values stay."""

    key: Key
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delete:
    """A row that must exist, and with ``etag`` still be as it was when it was read."""

    key: Key
    etag: str | None = None


Change = Insert | Replace | Merge | Delete


class Comparison(Enum):
    EQUAL = "="
    FROM = ">="
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Condition:
    """A value of the row, compared as text with any one of ``operands``. A row without the value does not meet it.

    The order of texts that are not ASCII depends on the store.
    """

    name: str
    comparison: Comparison
    operands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """The first ``top`` rows, in order of their keys, that lie strictly between two row keys and meet all conditions.

    ``names``: the values that are needed; empty means all.
    """

    partition: str
    after: str
    before: str
    top: int
    conditions: tuple[Condition, ...] = ()
    names: tuple[str, ...] = ()


class RowExists(Exception):
    """A row to insert is there already. Nothing of the write happened."""


class RowChanged(Exception):
    """A row is not as the change expects it: changed since it was read, or missing. Nothing of the write happened."""


class Table(Protocol):
    """Each method raises LedgerUnavailable if the store does not answer or refuses. A write may have happened."""

    async def read(self, key: Key) -> Row | None: ...

    async def write(self, *changes: Change) -> None:
        """All changes or none. Raises RowExists or RowChanged if a row is not as its change expects it.

        All keys are different and of one partition. A value may be long (a request with its 64 KiB), except of a
        name that a condition names.
        """

    async def rows(self, query: Query) -> list[Row]: ...


async def delete_if_there(table: Table, key: Key, etag: str | None = None) -> bool:
    """Whether this call deleted the row. It deletes none that is missing, or that is not as it was with ``etag``."""
    try:
        await table.write(Delete(key, etag))
    except RowChanged:
        return False
    return True
