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

    After failures in a row it is made anew: an old one keeps an identity header that may have changed.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._credential = _credential(identity)
        self._failures = 0
        self._given_up: list[AsyncTokenCredential] = []

    async def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        credential = self._credential
        try:
            token = await credential.get_token(*scopes, **options)
        except (AzureError, LookupError, ValueError) as error:
            if credential is self._credential:
                await self._count_failure()
            raise NoToken(first_reason(str(error))) from None
        self._failures = 0
        return token

    async def _count_failure(self) -> None:
        self._failures += 1
        if self._failures < MAX_FAILURES:
            return
        given_up, self._failures = self._credential, 0
        self._credential = _credential(self._identity)
        # Other calls may still use the one that is given up now: the one before that is closed.
        closed, self._given_up = self._given_up, [given_up]
        for each in closed:
            await each.close()

    async def close(self) -> None:
        for each in (*self._given_up, self._credential):
            await each.close()

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
