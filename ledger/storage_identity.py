"""Tokens for a storage account, from azure-identity."""

import os
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from batch.addresses import CLOUDS, PUBLIC_CLOUD
from batch.azure_ml.identity import first_reason
from ledger.storage_account import Identity

if TYPE_CHECKING:
    from types import TracebackType

    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

_LOGIN_HOSTS = frozenset(cloud.login_host for cloud in CLOUDS)


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

    if identity.managed:
        return ManagedIdentityCredential(client_id=identity.client_id)
    authority = os.environ.get("AZURE_AUTHORITY_HOST", PUBLIC_CLOUD.login_host)
    host = authority.removeprefix("https://").rstrip("/")
    chosen = {"managed_identity_client_id": identity.client_id} if identity.client_id else {}
    # For any other authority azure-identity would first ask the login host of the public cloud whether it is genuine.
    return DefaultAzureCredential(disable_instance_discovery=host not in _LOGIN_HOSTS, **chosen)
