"""Clients of azure-data-tables. The first client loads the library: a cold start does not wait for it."""

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.addresses import CLOUDS, PUBLIC_CLOUD
from ledger.storage_account import AccountKey, Identity, SharedAccessSignature, StorageAccount

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableClient

_LOGIN_HOSTS = frozenset(cloud.login_host for cloud in CLOUDS)

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
    identity: "AsyncTokenCredential | None"

    async def close(self) -> None:
        await self.table.close()
        if self.identity is not None:
            await self.identity.close()


def storage_client(account: StorageAccount, table: str, timeouts: Timeouts) -> StorageClient:
    from azure.data.tables.aio import TableClient

    identity = _identity(account.credential) if isinstance(account.credential, Identity) else None
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


def _identity(identity: Identity) -> "AsyncTokenCredential":
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    if identity.managed:
        return ManagedIdentityCredential(client_id=identity.client_id)
    authority = os.environ.get("AZURE_AUTHORITY_HOST", PUBLIC_CLOUD.login_host)
    host = authority.removeprefix("https://").rstrip("/")
    chosen = {"managed_identity_client_id": identity.client_id} if identity.client_id else {}
    # For any other authority azure-identity would first ask the login host of the public cloud whether it is genuine.
    return DefaultAzureCredential(disable_instance_discovery=host not in _LOGIN_HOSTS, **chosen)
