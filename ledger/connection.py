"""Where the ledger is: in the storage of the task hub, as the app settings ``AzureWebJobsStorage…`` name it."""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

from batch.addresses import PUBLIC_CLOUD, Cloud
from batch.errors import SettingsError
from ledger.storage_account import AccountKey, Identity, SharedAccessSignature, StorageAccount
from ledger.table import Table

_STORAGE = "AzureWebJobsStorage"
_ACCOUNT_NAME = f"{_STORAGE}__accountName"
_TABLE_SERVICE_URI = f"{_STORAGE}__tableServiceUri"
_CREDENTIAL = f"{_STORAGE}__credential"
_CLIENT_ID = f"{_STORAGE}__clientId"

_SQLITE = "sqlite:"
_NAME = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
_ENDPOINT = re.compile(r"https?://(?P<host>[^/?#@\s]+)(?:/[^?#\s]*)?", re.IGNORECASE)
_TABLE_SUFFIX = "Ledger"
_LONGEST_TABLE_NAME = 63

_EMULATOR = StorageAccount(
    "devstoreaccount1",
    "http://127.0.0.1:10002/devstoreaccount1",
    # No secret: the storage emulator's documentation publishes it, and each emulator has it.
    AccountKey("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
)


def open_table(hub_name: str, environment: Mapping[str, str], cloud: Cloud) -> Table:
    """Raises SettingsError, which names the setting. Nothing is opened or asked before the first call."""
    store = find_store(environment, cloud)
    # Imported for the first call of the ledger: a cold start does not wait for a store.
    if isinstance(store, Path):
        from ledger.sqlite_table import SqliteTable

        return SqliteTable(store)
    from ledger.storage_table import StorageTable

    return StorageTable(store, table_name(hub_name))


def find_store(environment: Mapping[str, str], cloud: Cloud) -> Path | StorageAccount:
    """The file of SQLite, or the storage account. Raises SettingsError, which names the setting.

    Names of settings are read without regard to case, as the Functions host reads them.
    """
    settings = {name.lower(): value.strip() for name, value in environment.items()}
    text = settings.get(_STORAGE.lower(), "")
    if text.startswith(_SQLITE):
        path = text.removeprefix(_SQLITE)
        if not path:
            raise _wrong(_STORAGE, f"a path must follow {_SQLITE}")
        return Path(path)
    return _by_connection_string(text) if text else _by_identity(settings, cloud)


def table_name(hub_name: str) -> str:
    """The names of tables have letters and digits only, and begin with a letter."""
    name = re.sub(r"[^A-Za-z0-9]", "", hub_name)
    if not name[:1].isalpha():
        raise SettingsError("The name of the task hub is wrong: it must begin with a letter.")
    return name[: _LONGEST_TABLE_NAME - len(_TABLE_SUFFIX)] + _TABLE_SUFFIX


def _by_connection_string(text: str) -> StorageAccount:
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if fields.get("usedevelopmentstorage", "").lower() == "true":
        return _EMULATOR
    name = fields.get("accountname", "")
    endpoint = fields.get("tableendpoint", "").rstrip("/")
    if not endpoint and name:
        protocol = fields.get("defaultendpointsprotocol", "https").lower()
        suffix = fields.get("endpointsuffix", PUBLIC_CLOUD.storage_suffix)
        endpoint = f"{protocol}://{name}.table.{suffix}"
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None:
        raise _wrong(_STORAGE, "it must be a connection string with AccountName or TableEndpoint")
    credential: AccountKey | SharedAccessSignature
    if name and "accountkey" in fields:
        credential = AccountKey(_base64(fields["accountkey"]))
    elif signature := fields.get("sharedaccesssignature", "").removeprefix("?"):
        credential = SharedAccessSignature(signature)
    else:
        raise _wrong(_STORAGE, "the connection string has neither AccountKey nor SharedAccessSignature")
    return StorageAccount(name or _first_label(match["host"]), endpoint, credential)


def _base64(key: str) -> str:
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(_STORAGE, "its AccountKey is not Base64; copy the connection string again") from None
    return key


def _by_identity(settings: Mapping[str, str], cloud: Cloud) -> StorageAccount:
    uri = settings.get(_TABLE_SERVICE_URI.lower(), "").rstrip("/")
    name = settings.get(_ACCOUNT_NAME.lower(), "")
    if uri:
        match = _ENDPOINT.fullmatch(uri)
        if match is None or not uri.lower().startswith("https://"):
            raise _wrong(
                _TABLE_SERVICE_URI,
                f"it must be https://<host>, such as https://<account>.{cloud.table_suffix}",
            )
        return StorageAccount(_first_label(match["host"]), uri, _identity(settings))
    if not name:
        raise SettingsError(
            f"App setting {_STORAGE} is missing. Set it to a connection string,"
            f" or, for an app with an identity, {_TABLE_SERVICE_URI} to the address of the account's tables."
        )
    if not _NAME.fullmatch(name):
        raise _wrong(
            _ACCOUNT_NAME, "it must be the name of a storage account: 3 to 24 small letters and digits"
        )
    return StorageAccount(name, f"https://{name}.{cloud.table_suffix}", _identity(settings))


def _identity(settings: Mapping[str, str]) -> Identity:
    kind = settings.get(_CREDENTIAL.lower(), "").lower()
    if kind not in ("", "managedidentity"):
        raise _wrong(_CREDENTIAL, "it must be managedidentity, or not be set")
    return Identity(managed=bool(kind), client_id=settings.get(_CLIENT_ID.lower()) or None)


def _first_label(host: str) -> str:
    return host.partition(".")[0]


def _wrong(name: str, reason: str) -> SettingsError:
    return SettingsError(f"App setting {name} is wrong: {reason}.")
