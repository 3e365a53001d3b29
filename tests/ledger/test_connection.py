"""The app settings that say where the ledger is."""

import subprocess
import sys
from pathlib import Path

import pytest

from batch.addresses import CLOUDS, PUBLIC_CLOUD, Cloud
from batch.errors import SettingsError
from ledger.connection import open_table, table_name
from ledger.sqlite_table import SqliteTable
from ledger.storage_account import AccountKey, Identity, SharedAccessSignature, StorageAccount
from ledger.storage_table import StorageTable
from ledger.table import Insert, Key
from tests.ledger.azurite import KEY, emulated

ROOT = Path(__file__).parents[2]
HUB = "BatchEndpointRuns"
STORAGE = "AzureWebJobsStorage"
SECRET = "c2VjcmV0"
BY_KEY = f"DefaultEndpointsProtocol=https;AccountName=ledgers;AccountKey={SECRET}"


def account(cloud: Cloud = PUBLIC_CLOUD, **settings: str) -> StorageAccount:
    table = open_table(HUB, settings, cloud)
    assert isinstance(table, StorageTable)
    return table._account


async def test_a_file_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a b;c=d"
    table = open_table(HUB, {STORAGE: f"sqlite:{path}"}, PUBLIC_CLOUD)
    assert isinstance(table, SqliteTable)
    await table.write(Insert(Key("runs", "a"), {}))
    await table.close()
    assert path.exists()


@pytest.mark.parametrize("text", ["UseDevelopmentStorage=true", "usedevelopmentstorage=True;"])
def test_the_emulator(text: str) -> None:
    assert account(**{STORAGE: text}) == emulated(10002)


async def test_a_connection_string_reaches_the_account(azurite: StorageAccount) -> None:
    text = f"AccountName={azurite.name};AccountKey={KEY};TableEndpoint={azurite.endpoint}/"
    table = open_table("Hub of test_connection", {STORAGE: text}, PUBLIC_CLOUD)
    assert isinstance(table, StorageTable)
    await table.write(Insert(Key("runs", "a"), {"name": "one"}))
    row = await table.read(Key("runs", "a"))
    await table.close()
    assert row is not None
    assert row.values == {"name": "one"}


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (BY_KEY, "https://ledgers.table.core.windows.net"),
        (f"accountkey={SECRET};ACCOUNTNAME=ledgers", "https://ledgers.table.core.windows.net"),
        (f" {BY_KEY}; ", "https://ledgers.table.core.windows.net"),
        (f"{BY_KEY};EndpointSuffix=core.chinacloudapi.cn", "https://ledgers.table.core.chinacloudapi.cn"),
        (f"{BY_KEY};TableEndpoint=https://tables.example/a/", "https://tables.example/a"),
        (f"{BY_KEY};BlobEndpoint=https://blobs.example/", "https://ledgers.table.core.windows.net"),
    ],
)
def test_a_connection_string_with_a_key(text: str, endpoint: str) -> None:
    assert account(**{STORAGE: text}) == StorageAccount("ledgers", endpoint, AccountKey(SECRET))


@pytest.mark.parametrize("mark", ["", "?"])
def test_a_connection_string_with_a_signature(mark: str) -> None:
    signature = f"sv=2024-11-04&ss=t&sig={SECRET}%3D"
    text = f"TableEndpoint=https://ledgers.table.core.windows.net;SharedAccessSignature={mark}{signature}"
    assert account(**{STORAGE: text}) == StorageAccount(
        "ledgers", "https://ledgers.table.core.windows.net", SharedAccessSignature(signature)
    )


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.storage_suffix)
def test_the_account_of_an_app_with_an_identity(cloud: Cloud) -> None:
    settings = {
        f"{STORAGE}__accountName": "ledgers",
        f"{STORAGE}__credential": "managedidentity",
        f"{STORAGE}__clientId": "1-1",
    }
    expected = StorageAccount(
        "ledgers", f"https://ledgers.{cloud.table_suffix}", Identity(managed=True, client_id="1-1")
    )
    assert account(cloud, **settings) == expected
    assert account(cloud, **{name.upper(): value for name, value in settings.items()}) == expected
    assert account(cloud, **{name.lower(): f" {value} " for name, value in settings.items()}) == expected


@pytest.mark.parametrize("domain", [*(cloud.table_suffix for cloud in CLOUDS), "z12.table.storage.azure.net"])
def test_the_account_as_the_templates_name_it(domain: str) -> None:
    """By its own addresses, which end in a slash. They count whatever the cloud, also in a DNS zone of Azure."""
    settings = {
        f"{STORAGE}__blobServiceUri": f"https://ledgers.{domain.replace('table', 'blob')}/",
        f"{STORAGE}__queueServiceUri": f"https://ledgers.{domain.replace('table', 'queue')}/",
        f"{STORAGE}__tableServiceUri": f"https://ledgers.{domain}/",
        f"{STORAGE}__credential": "managedidentity",
        f"{STORAGE}__clientId": "1-1",
    }
    expected = StorageAccount("ledgers", f"https://ledgers.{domain}", Identity(managed=True, client_id="1-1"))
    assert account(**settings) == expected
    assert account(**{name.upper(): value for name, value in settings.items()}) == expected


def test_a_wrong_address_of_tables_is_answered_with_that_of_the_cloud() -> None:
    with pytest.raises(SettingsError, match=r"such as https://<account>\.table\.core\.chinacloudapi\.cn\."):
        account(CLOUDS[2], **{f"{STORAGE}__tableServiceUri": "ledgers"})


def test_suffixes_of_tables() -> None:
    assert [cloud.table_suffix for cloud in CLOUDS] == [
        "table.core.windows.net",
        "table.core.usgovcloudapi.net",
        "table.core.chinacloudapi.cn",
    ]


def test_the_address_of_the_table_service_counts_before_the_name() -> None:
    settings = {
        f"{STORAGE}__tableServiceUri": "https://ledgers.z1.table.storage.azure.net/",
        f"{STORAGE}__accountName": "others",
    }
    assert account(**settings) == StorageAccount(
        "ledgers", "https://ledgers.z1.table.storage.azure.net", Identity(managed=False, client_id=None)
    )


def test_a_connection_string_counts_before_an_identity() -> None:
    found = account(**{STORAGE: BY_KEY, f"{STORAGE}__accountName": "others"})
    assert (found.name, found.credential) == ("ledgers", AccountKey(SECRET))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {},
            f"App setting {STORAGE} is missing. Set it to a connection string, or, for an app with an identity,"
            f" {STORAGE}__tableServiceUri to",
        ),
        ({STORAGE: " "}, f"App setting {STORAGE} is missing"),
        ({STORAGE: "sqlite:"}, f"App setting {STORAGE} is wrong: a path must follow sqlite:"),
        ({STORAGE: SECRET}, f"App setting {STORAGE} is wrong: it must be a connection string"),
        ({STORAGE: f"AccountKey={SECRET}"}, "with AccountName or TableEndpoint"),
        ({STORAGE: "AccountName=ledgers"}, "neither AccountKey nor SharedAccessSignature"),
        ({STORAGE: f"AccountName=ledgers;AccountKey=not {SECRET}"}, "its AccountKey is not Base64"),
        ({STORAGE: f"{BY_KEY};TableEndpoint=ftp://x"}, "with AccountName or TableEndpoint"),
        ({STORAGE: f"{BY_KEY};TableEndpoint=https://x?sig={SECRET}"}, "with AccountName or TableEndpoint"),
        ({f"{STORAGE}__accountName": "Ledgers!"}, f"App setting {STORAGE}__accountName is wrong: "),
        ({f"{STORAGE}__accountName": "evil.example/x"}, f"App setting {STORAGE}__accountName is wrong: "),
        ({f"{STORAGE}__tableServiceUri": "http://x"}, f"App setting {STORAGE}__tableServiceUri is wrong: "),
        ({f"{STORAGE}__blobServiceUri": "https://ledgers.blob.example/"}, f"{STORAGE}__tableServiceUri to"),
        (
            {f"{STORAGE}__tableServiceUri": f"https://x?sig={SECRET}"},
            f"{STORAGE}__tableServiceUri is wrong: ",
        ),
        (
            {f"{STORAGE}__accountName": "ledgers", f"{STORAGE}__credential": "workloadidentity"},
            f"App setting {STORAGE}__credential is wrong: it must be managedidentity, or not be set",
        ),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        open_table(HUB, settings, PUBLIC_CLOUD)
    assert message in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("text", [BY_KEY, f"AccountName=ledgers;SharedAccessSignature=sig={SECRET}"])
def test_an_account_does_not_show_its_secret(text: str) -> None:
    assert SECRET not in repr(account(**{STORAGE: text}))


@pytest.mark.parametrize(
    ("hub", "name"),
    [
        (HUB, "BatchEndpointRunsLedger"),
        ("my-hub_2", "myhub2Ledger"),
        ("h", "hLedger"),
        ("x" * 80, "x" * 57 + "Ledger"),
        ("é1ö", None),
        ("1hub", None),
        ("", None),
    ],
)
def test_the_name_of_the_table(hub: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(SettingsError, match="name of the task hub"):
            table_name(hub)
    else:
        assert table_name(hub) == name


def test_a_cold_start_loads_neither_library() -> None:
    code = (
        "import sys; from batch.addresses import PUBLIC_CLOUD; from ledger.connection import open_table;"
        "open_table('Hub', {'AzureWebJobsStorage__accountName': 'ledgers'}, PUBLIC_CLOUD);"
        "print([name for name in ('azure.data.tables', 'azure.identity') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == "[]\n"
