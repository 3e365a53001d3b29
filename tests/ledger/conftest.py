from collections.abc import Iterator

import pytest

from ledger.storage_account import StorageAccount
from tests.ledger.azurite import azurite_account


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageAccount]:
    with azurite_account(tmp_path_factory.mktemp("azurite")) as account:
        yield account
