"""Calls of the Azure CLI."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import takewhile
from locale import getpreferredencoding
from typing import Any

_LOOK_UP_SECONDS = 60


class AzureCliError(Exception):
    """The text is that of the Azure CLI."""


class AzureCliTimeout(AzureCliError):
    """A look-up took too long."""


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
            raise AzureCliError(f"{_command(arguments)} printed no JSON.") from None

    def change(self, *arguments: str) -> None:
        """Raises AzureCliError."""
        self._run(arguments, None)

    def _run(self, arguments: tuple[str, ...], seconds: float | None) -> str:
        command = [self._program, *arguments, "--output", "json", "--only-show-errors"]
        try:
            code, output, message = _result_of(command, seconds)
        except subprocess.TimeoutExpired:
            raise AzureCliTimeout(f"{_command(arguments)} did not end within {seconds:g} s.") from None
        except OSError as error:
            raise AzureCliError(f"{self._program} cannot run: {error}") from None
        if code != 0:
            raise AzureCliError(message.strip() or f"az ended with exit code {code}.")
        return output


def _command(arguments: tuple[str, ...]) -> str:
    return " ".join(("az", *takewhile(lambda one: not one.startswith("-"), arguments)))


def _result_of(command: list[str], seconds: float | None) -> tuple[int, str, str]:
    """Exit code, output and errors. Nothing of the command runs on after a time limit or an interrupt."""
    with subprocess.Popen(  # noqa: S603  # no shell
        command,
        stdin=subprocess.DEVNULL,  # a question of az would wait for ever
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, error = process.communicate(timeout=seconds)
        except BaseException:
            _end(process)
            raise
        return process.returncode, _decoded(output), _decoded(error)


def _decoded(printed: bytes) -> str:
    """On Windows az writes to a pipe in the encoding of the system, and a name may have a letter beyond ASCII."""
    try:
        return printed.decode()
    except UnicodeDecodeError:
        return printed.decode(getpreferredencoding(False), "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With its children: az is a script that starts Python."""
    if sys.platform == "win32":
        subprocess.run(  # noqa: S603
            ["taskkill", "/F", "/T", "/PID", str(process.pid)],  # noqa: S607
            capture_output=True,
            check=False,
        )
    else:
        with suppress(ProcessLookupError, PermissionError):  # it has just ended by itself
            os.killpg(process.pid, signal.SIGKILL)
