"""Tokens for a storage account, from azure-identity."""

from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from batch.azure_ml.identity import first_reason
from batch.azure_ml.token_cache import MAX_FAILURES
from ledger.storage_account import Identity

if TYPE_CHECKING:
    from types import TracebackType

    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential


class NoToken(Exception):
    """The text is the reason that azure-identity gives."""


class StorageIdentity:
    """A credential whose failures are not those of the storage account: the library has one type for both.

    After some failures in a row a new one takes its place.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._credential = _credential(identity)
        self._replaced: AsyncTokenCredential | None = None
        self._failures = 0

    async def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        try:
            token = await self._credential.get_token(*scopes, **options)
        except (AzureError, LookupError, ValueError) as error:
            await self._count_failure()
            raise NoToken(first_reason(str(error))) from None
        self._failures = 0
        return token

    async def _count_failure(self) -> None:
        self._failures += 1
        if self._failures < MAX_FAILURES:
            return
        # Others may still wait for the one that is replaced now.
        unused, self._replaced = self._replaced, self._credential
        self._credential, self._failures = _credential(self._identity), 0
        if unused is not None:
            await unused.close()

    async def close(self) -> None:
        for credential in (self._credential, self._replaced):
            if credential is not None:
                await credential.close()

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
