"""When the credential of the ledger is made anew."""

import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError

from batch.azure_ml.token_cache import MAX_FAILURES
from ledger import storage_identity
from ledger.storage_account import Identity
from ledger.storage_identity import NoToken, StorageIdentity

SCOPE = "https://storage.example/.default"
TOKEN = AccessToken("a-token", 1_000)


class Credential:
    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.closed = 0

    async def get_token(self, *scopes: str, **options: object) -> AccessToken:
        if self.answers:
            raise self.answers.pop()
        return TOKEN

    async def close(self) -> None:
        self.closed += 1

    def fail(self, times: int) -> None:
        self.answers = [CredentialUnavailableError("The identity header is not valid.")] * times


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Credential]:
    made: list[Credential] = []

    def new(identity: Identity) -> Credential:
        made.append(Credential())
        return made[-1]

    monkeypatch.setattr(storage_identity, "_credential", new)
    return made


async def fail(identity: StorageIdentity, times: int) -> None:
    for _ in range(times):
        with pytest.raises(NoToken, match="header is not valid"):
            await identity.get_token(SCOPE)


async def test_after_failures_in_a_row_there_is_a_new_credential(made: list[Credential]) -> None:
    identity = StorageIdentity(Identity(managed=True, client_id=None))
    made[0].fail(10)
    await fail(identity, MAX_FAILURES)
    assert await identity.get_token(SCOPE) == TOKEN
    assert len(made) == 2


async def test_failures_with_a_success_between_them_are_not_in_a_row(made: list[Credential]) -> None:
    identity = StorageIdentity(Identity(managed=True, client_id=None))
    for _ in range(2):
        made[0].fail(MAX_FAILURES - 1)
        await fail(identity, MAX_FAILURES - 1)
        assert await identity.get_token(SCOPE) == TOKEN
    assert len(made) == 1


async def test_each_credential_is_closed_once(made: list[Credential]) -> None:
    identity = StorageIdentity(Identity(managed=True, client_id=None))
    for number in range(3):
        made[number].fail(MAX_FAILURES)
        await fail(identity, MAX_FAILURES)
    assert [each.closed for each in made] == [1, 1, 0, 0]
    await identity.close()
    assert [each.closed for each in made] == [1, 1, 1, 1]
