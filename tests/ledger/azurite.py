"""Azurite, the emulator of Azure Storage, as a process that ends with the tests."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import AZURITE
from ledger.storage_account import AccountKey, StorageAccount
from tests.local.processes import lines_until

ACCOUNT_NAME = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Published: each emulator has it."""
_PRELOAD = Path(__file__).with_name("azurite_process.mjs")
_START_LIMIT = 60.0


@contextmanager
def azurite_account(folder: Path) -> Iterator[StorageAccount]:
    """Its tables are in memory. ``folder`` is for what it may write besides."""
    options = [
        "--tablePort",
        "0",
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--inMemoryPersistence",
        "--silent",
    ]
    with subprocess.Popen(
        ["node", "--import", _PRELOAD.as_uri(), AZURITE, *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        killer = threading.Timer(_START_LIMIT, process.kill)
        killer.start()
        try:
            last = lines_until(process.stdout, r"^port \d+$")[-1]
            killer.cancel()
            yield emulated(int(re.sub(r"\D", "", last)))
        finally:
            killer.cancel()
            process.kill()


def emulated(port: int, scheme: str = "http") -> StorageAccount:
    """The account of an emulator, or of a server in its place."""
    return StorageAccount(ACCOUNT_NAME, f"{scheme}://127.0.0.1:{port}/{ACCOUNT_NAME}", AccountKey(KEY))
