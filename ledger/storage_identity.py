"""Tokens for a storage account, from azure-identity."""

from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from batch.azure_ml.identity import first_reason
from ledger.storage_account import Identity

if TYPE_CHECKING:
    from types import TracebackType

    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential


class NoToken(Exception):
    """The text is the reason that azure-identity gives."""


class StorageIdentity:
    """A credential whose failures are not those of the storage account: the library has one type for both."""

    def __init__(self, identity: Identity) -> None:
        self._credential = _credential(identity)

    async def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        try:
            return await self._credential.get_token(*scopes, **options)
        except (AzureError, LookupError, ValueError) as error:
            raise NoToken(first_reason(str(error))) from None

    async def close(self) -> None:
        await self._credential.close()

    async def __aenter__(self) -> "StorageIdentity":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: "TracebackType | None" = None,
    ) -> None:
        await self.close()


def _credential(identity: Identity) -> "AsyncTokenCredential":
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    from batch.azure_ml.credential import TIMEOUTS, is_no_public_cloud

    if identity.managed:
        return ManagedIdentityCredential(client_id=identity.client_id, **TIMEOUTS)
    chosen = {"managed_identity_client_id": identity.client_id} if identity.client_id else {}
    return DefaultAzureCredential(disable_instance_discovery=is_no_public_cloud(), **TIMEOUTS, **chosen)
