"""The identity with which the ledger calls the storage account, with credentials that fail."""

from collections.abc import Iterator

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from batch.azure_ml.token_cache import MAX_FAILURES
from ledger import storage_identity
from ledger.storage_account import Identity
from ledger.storage_identity import NoToken, StorageIdentity


class Credential:
    def __init__(self) -> None:
        self.fails = False
        self.is_closed = False

    async def get_token(self, *scopes: str, **options: object) -> AccessToken:
        if self.fails:
            raise ClientAuthenticationError("IDENTITY_HEADER is out of date")
        return AccessToken("token", 4_000_000_000)

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Credential]]:
    credentials: list[Credential] = []

    def make(identity: Identity) -> Credential:
        credentials.append(Credential())
        return credentials[-1]

    monkeypatch.setattr(storage_identity, "_credential", make)
    yield credentials


async def fails(identity: StorageIdentity, times: int) -> None:
    for _ in range(times):
        with pytest.raises(NoToken, match="IDENTITY_HEADER is out of date"):
            await identity.get_token("scope")


async def test_after_failures_in_a_row_a_new_credential_reads_the_environment(made: list[Credential]) -> None:
    identity = StorageIdentity(Identity(managed=True, client_id=None))
    made[0].fails = True
    await fails(identity, MAX_FAILURES)
    assert len(made) == 2
    assert (await identity.get_token("scope")).token == "token"
    assert not made[0].is_closed
    await identity.close()
    assert [each.is_closed for each in made] == [True, True]


async def test_failures_with_a_token_between_them_are_not_in_a_row(made: list[Credential]) -> None:
    identity = StorageIdentity(Identity(managed=True, client_id=None))
    for _ in range(3):
        made[0].fails = True
        await fails(identity, MAX_FAILURES - 1)
        made[0].fails = False
        await identity.get_token("scope")
    assert len(made) == 1


async def test_however_long_the_identity_is_away_two_credentials_are_open(made: list[Credential]) -> None:
    identity = StorageIdentity(Identity(managed=True, client_id=None))
    for generation in range(5):
        made[generation].fails = True
        await fails(identity, MAX_FAILURES)
    assert [each.is_closed for each in made] == [True, True, True, True, False, False]
    await identity.close()
    assert all(each.is_closed for each in made)
