"""The ledger in a table of Azure Table Storage. The table is created when it is first found missing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError

from ledger.storage_account import StorageAccount
from ledger.storage_client import StorageClient, Timeouts, storage_client
from ledger.storage_entity import ALWAYS_SELECTED, LongValueLeftOut, key_properties, to_entity, to_row
from ledger.storage_errors import (
    ENTITY_MISSING,
    TABLE_MISSING,
    TABLE_PRESENT,
    error_code,
    no_token,
    row_conflict,
    too_slow,
    unavailable,
    unreadable,
)
from ledger.storage_identity import NoToken
from ledger.table import Change, Comparison, Condition, Delete, Insert, Key, Merge, Query, Replace, Row

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableClient

T = TypeVar("T")

_PAGE = 1_000
"""Rows: the service gives no more at once."""
_OPERATORS = {Comparison.EQUAL: "eq", Comparison.FROM: "ge", Comparison.BELOW: "lt"}


class StorageTable:
    """Has one client for each event loop that uses it."""

    def __init__(self, account: StorageAccount, name: str, timeouts: Timeouts | None = None) -> None:
        self._account = account
        self._name = name
        self._timeouts = timeouts or Timeouts()
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, StorageClient] = WeakKeyDictionary()

    async def read(self, key: Key) -> Row | None:
        return await self._ask(lambda client: _read(client, key), self._timeouts.call)

    async def write(self, *changes: Change) -> None:
        if changes:
            await self._ask(lambda client: _write(client, changes), self._timeouts.call)

    async def rows(self, query: Query) -> list[Row]:
        if not all(condition.operands for condition in query.conditions):
            return []
        return await self._ask(lambda client: _rows(client, query), self._timeouts.query)

    async def close(self) -> None:
        """Closes the client of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    async def _ask(self, work: Callable[["TableClient"], Awaitable[T]], seconds: float) -> T:
        client = self._client()
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await work(client)
                except HttpResponseError as error:
                    if error_code(error) != TABLE_MISSING:
                        raise
                await _create(client)
                return await work(client)
        except TimeoutError:
            raise too_slow(self._account, self._name, seconds) from None
        except NoToken as error:
            raise no_token(self._account, str(error)) from None
        except AzureError as error:
            raise unavailable(error, self._account, self._name) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # What the library raises for an answer of another form.
            raise unreadable(self._account, self._name) from error

    def _client(self) -> "TableClient":
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = storage_client(self._account, self._name, self._timeouts)
        return self._clients[loop].table


async def _create(client: "TableClient") -> None:
    try:
        await client.create_table()
    except HttpResponseError as error:
        if error_code(error) != TABLE_PRESENT:
            raise


async def _read(client: "TableClient", key: Key) -> Row | None:
    try:
        return _row(await client.get_entity(key.partition, key.row))
    except HttpResponseError as error:
        if error_code(error) in ENTITY_MISSING:
            return None
        raise


async def _write(client: "TableClient", changes: tuple[Change, ...]) -> None:
    """One change is a transaction, too.

    The library's own call hides that a row to delete is missing, and a PUT is sent again by aiohttp if the
    connection ends before the answer. A transaction is a POST.
    """
    try:
        answers = await client.submit_transaction([_operation(change) for change in changes])
    except HttpResponseError as error:
        conflict = row_conflict(error, changes)
        if conflict is None:
            raise
        raise conflict from None
    if len(answers) != len(changes):
        raise ValueError("an answer that was cut off")


def _operation(change: Change) -> tuple[str, dict[str, str | int], dict[str, object]]:
    match change:
        case Insert(key, values):
            return "create", to_entity(key, values), {"response_preference": "return-no-content"}
        case Replace(key, values, etag):
            return "update", to_entity(key, values), {"mode": "replace", **_unchanged(etag)}
        case Merge(key, values):
            return "update", to_entity(key, values), {"mode": "merge"}
        case Delete(key, etag):
            return "delete", key_properties(key), _unchanged(etag) if etag else {}


def _unchanged(etag: str) -> dict[str, object]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


async def _rows(client: "TableClient", query: Query) -> list[Row]:
    try:
        return await _selected(client, query, query.names)
    except LongValueLeftOut:
        found = await _selected(client, query, ())
    return [
        Row(row.key, {name: value for name, value in row.values.items() if name in query.names}, row.etag)
        for row in found
    ]


async def _selected(client: "TableClient", query: Query, names: tuple[str, ...]) -> list[Row]:
    pages = client.query_entities(
        _filter(query),
        results_per_page=min(query.top, _PAGE),
        select=[*ALWAYS_SELECTED, *names] if names else None,
    ).by_page()
    found: list[Row] = []
    # A page may have no rows and yet not be the last: the service ends it after some time.
    async for page in pages:
        found += [_row(entity) async for entity in page]
        if len(found) >= query.top:
            break
    return found[: query.top]


def _row(entity: "TableEntity") -> Row:
    return to_row(entity, str(entity.metadata["etag"]))


def _filter(query: Query) -> str:
    parts = [
        f"PartitionKey eq {_quoted(query.partition)}",
        f"RowKey gt {_quoted(query.after)}",
        f"RowKey lt {_quoted(query.before)}",
    ]
    return " and ".join([*parts, *(f"({_any_of(condition)})" for condition in query.conditions)])


def _any_of(condition: Condition) -> str:
    operator = _OPERATORS[condition.comparison]
    return " or ".join(f"{condition.name} {operator} {_quoted(operand)}" for operand in condition.operands)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
