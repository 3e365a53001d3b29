"""Writes the durable backend that the environment names into host.json.

The Functions host and the platform's scale controller read it there. No app setting reaches the scale controller.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.hooks.console import say

PROVIDERS = {
    # An idle app looks for work every 10 s, not 30. The messages of a killed host return after a minute, not five.
    "AzureStorage": '{ "type": "AzureStorage", "maxQueuePollingInterval": "00:00:10",'
    ' "controlQueueVisibilityTimeout": "00:01:00", "workItemQueueVisibilityTimeout": "00:01:00" }',
    "DurableTaskScheduler": '{ "type": "azureManaged",'
    ' "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING" }',
}
_HOST = Path("host.json")
_PROVIDER = re.compile(r'(?P<key>"storageProvider": )\{[^}]*\}')


class HostFileError(Exception):
    """The text says what to do."""


def backend_of(environment: Mapping[str, str]) -> str:
    """Raises HostFileError."""
    backend = environment.get("DURABLE_BACKEND") or "AzureStorage"
    if backend not in PROVIDERS:
        raise HostFileError(
            f"DURABLE_BACKEND must be {' or '.join(PROVIDERS)}, not {backend!r}."
            " Set it: azd env set DURABLE_BACKEND AzureStorage"
        )
    return backend


def with_backend(host: str, backend: str) -> str:
    """``host``, the text of host.json, with one line changed. Raises HostFileError."""
    changed, count = _PROVIDER.subn(lambda found: f"{found['key']}{PROVIDERS[backend]}", host, count=1)
    if count == 0:
        raise HostFileError('host.json has no line "storageProvider": { ... } for the durable backend.')
    return changed


def main() -> int:
    try:
        backend = backend_of(os.environ)
        before = _HOST.read_bytes().decode()
        after = with_backend(before, backend)
    except HostFileError as error:
        say(str(error))
        return 1
    if after != before:
        _HOST.write_bytes(after.encode())
        say(f"host.json: orchestrations are now kept in {backend}. Commit this change.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
