"""Clients of azure-data-tables. The first client loads the library: a cold start does not wait for it."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.storage_account import AccountKey, Identity, SharedAccessSignature, StorageAccount
from ledger.storage_identity import StorageIdentity

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
    from azure.data.tables.aio import TableClient

# They log every request and every token.
for _name in ("azure.core", "azure.identity"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``call`` and ``query`` limit a read or write, and a query of several pages, as a whole."""

    connect: float = 5.0
    read: float = 10.0
    call: float = 20.0
    query: float = 60.0


@dataclass(frozen=True, slots=True)
class StorageClient:
    """Belongs to the event loop that made it."""

    table: "TableClient"
    identity: StorageIdentity | None

    async def close(self) -> None:
        await self.table.close()
        if self.identity is not None:
            await self.identity.close()


def storage_client(account: StorageAccount, table: str, timeouts: Timeouts) -> StorageClient:
    from azure.data.tables.aio import TableClient

    identity = StorageIdentity(account.credential) if isinstance(account.credential, Identity) else None
    client = TableClient(
        account.endpoint,
        table,
        credential=identity or _key_or_signature(account),
        # An insert that is sent again after its answer was lost finds its own row and looks like a conflict.
        retry_total=0,
        permit_redirects=False,
        connection_timeout=timeouts.connect,
        read_timeout=timeouts.read,
    )
    return StorageClient(client, identity)


def _key_or_signature(account: StorageAccount) -> "AzureNamedKeyCredential | AzureSasCredential | None":
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

    match account.credential:
        case AccountKey(key):
            return AzureNamedKeyCredential(account.name, key)
        case SharedAccessSignature(signature):
            return AzureSasCredential(signature)
        case _:
            return None
