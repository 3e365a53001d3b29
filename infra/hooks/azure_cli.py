"""Calls of the Azure CLI."""

import json
import shutil
import subprocess
from typing import Any

_LOOK_UP_SECONDS = 60


class AzureCliError(Exception):
    """The text is that of the Azure CLI."""


class AzureCli:
    def __init__(self, program: str) -> None:
        self._program = program

    @classmethod
    def signed_in(cls, subscription: str) -> "AzureCli":
        """Raises AzureCliError, which says what to do. An empty subscription stands for the default one."""
        program = shutil.which("az")  # az.cmd on Windows, which a shell would find and subprocess does not
        if program is None:
            raise AzureCliError(
                "The Azure CLI (az) is not on the PATH. Install it, then run az login:"
                " https://learn.microsoft.com/cli/azure/install-azure-cli"
            )
        azure = cls(program)
        try:
            azure.read("account", "show", *(("--subscription", subscription) if subscription else ()))
        except AzureCliError as error:
            where = f" to subscription {subscription}" if subscription else ""
            raise AzureCliError(
                f"The Azure CLI is not signed in{where}. Sign in with: az login\n{error}"
            ) from None
        return azure

    def read(self, *arguments: str) -> Any:
        """The JSON that a look-up prints. Raises AzureCliError."""
        output = self._run(arguments, _LOOK_UP_SECONDS)
        try:
            return json.loads(output) if output.strip() else None
        except ValueError:
            raise AzureCliError(f"az {' '.join(arguments[:3])} printed no JSON.") from None

    def change(self, *arguments: str) -> None:
        """Raises AzureCliError."""
        self._run(arguments, None)

    def _run(self, arguments: tuple[str, ...], seconds: float | None) -> str:
        command = [self._program, *arguments, "--output", "json", "--only-show-errors"]
        try:
            result = subprocess.run(  # noqa: S603  # no shell
                command,
                stdin=subprocess.DEVNULL,  # a question of az would wait for ever
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AzureCliError(f"az {' '.join(arguments[:3])} did not end within {seconds:g} s.") from None
        except OSError as error:
            raise AzureCliError(f"{self._program} cannot run: {error}") from None
        if result.returncode != 0:
            raise AzureCliError(result.stderr.strip() or f"az ended with exit code {result.returncode}.")
        return result.stdout
