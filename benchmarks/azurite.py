"""Azurite, the emulator of Azure Storage, as a process that serves the tables in a folder."""

import base64
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks.measuring import ROOT

AZURITE = ROOT / ".local" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
ACCOUNT = "keptruns"
_START_LIMIT = 120.0
# Azurite prints the port that it was given, not the one that the system chose, and outlives its parent.
_PRELOADED = """
import { Server } from 'node:net';
const listen = Server.prototype.listen;
Server.prototype.listen = function (...options) {
  this.once('listening', () => console.log(`listens on ${this.address().port}`));
  return listen.apply(this, options);
};
process.stdin.on('end', () => process.exit()).resume();
"""


@contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """The connection string of the account ``ACCOUNT``. Raises RuntimeError if Azurite does not start."""
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    with subprocess.Popen(  # noqa: S603 - our own command
        [
            *("node", "--import", "data:text/javascript," + quote(_PRELOADED), str(AZURITE)),
            *("--tablePort", "0", "--location", str(folder)),
            *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
        ],
        cwd=folder,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            endpoint = f"http://127.0.0.1:{_port(process)}/{ACCOUNT}"
            yield f"AccountName={ACCOUNT};AccountKey={key};TableEndpoint={endpoint}"
        finally:
            process.kill()


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    killer = threading.Timer(_START_LIMIT, process.kill)
    killer.start()
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if found := re.fullmatch(r"listens on (\d+)", line.strip()):
                return int(found[1])
    finally:
        killer.cancel()
    raise RuntimeError(f"Azurite did not start:\n{printed[-3_000:]}")
