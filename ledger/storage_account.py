"""A storage account as the app reaches its tables: the address, and what the app signs in with."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccountKey:
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SharedAccessSignature:
    """Without a leading ``?``."""

    signature: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity of Microsoft Entra.

    ``managed``: the managed identity of the app and no other; otherwise the environment chooses.
    ``client_id`` names a user-assigned managed identity.
    """

    managed: bool
    client_id: str | None


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """``endpoint`` is the address of the table service, without a slash at its end."""

    name: str
    endpoint: str
    credential: AccountKey | SharedAccessSignature | Identity
