from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ledger.sqlite_table import SqliteTable
from ledger.storage_account import StorageAccount
from ledger.storage_table import StorageTable
from ledger.table import Table
from tests.ledger.azurite import azurite_account

Handles = Callable[[], Table]


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageAccount]:
    with azurite_account(tmp_path_factory.mktemp("azurite")) as account:
        yield account


@pytest.fixture(params=["sqlite", pytest.param("azure", marks=pytest.mark.storage)])
async def open_named(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[str], Table]]:
    """Opens the table of a name. What is open is closed after the test."""
    opened: list[SqliteTable | StorageTable] = []
    account = request.getfixturevalue("azurite") if request.param == "azure" else None

    def open_one(name: str) -> Table:
        opened.append(StorageTable(account, name) if account else SqliteTable(tmp_path / name))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


@pytest.fixture
def new_table(open_named: Callable[[str], Table]) -> Handles:
    """Each call gives another table, which is empty."""
    return lambda: open_named(f"T{uuid4().hex}")


@pytest.fixture
def handles(open_named: Callable[[str], Table]) -> Handles:
    """Each call gives another handle on one table, as another process would have it."""
    name = f"T{uuid4().hex}"
    return lambda: open_named(name)


@pytest.fixture
def table(handles: Handles) -> Table:
    return handles()
