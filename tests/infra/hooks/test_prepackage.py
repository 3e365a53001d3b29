"""The hook that writes the durable backend into host.json."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.hooks.stub_azure import ROOT, run_hook


def prepackage(folder: Path, backend: str | None) -> subprocess.CompletedProcess[str]:
    return run_hook("prepackage", {"DURABLE_BACKEND": backend} if backend is not None else {}, folder)


def test_switches_the_backend_and_nothing_else(tmp_path: Path) -> None:
    host = tmp_path / "host.json"
    shutil.copy(ROOT / "host.json", host)
    original = host.read_text()

    assert prepackage(tmp_path, "DurableTaskScheduler").returncode == 0
    switched = json.loads(host.read_text())
    assert switched["extensions"]["durableTask"].pop("storageProvider") == {
        "type": "azureManaged",
        "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    }
    expected = json.loads(original)
    del expected["extensions"]["durableTask"]["storageProvider"]
    assert switched == expected

    again = prepackage(tmp_path, "DurableTaskScheduler")
    assert (again.returncode, again.stdout) == (0, "")

    back = prepackage(tmp_path, "AzureStorage")
    assert (back.returncode, host.read_text()) == (0, original)
    assert "orchestrations are now kept in AzureStorage. Commit this change." in back.stdout


@pytest.mark.parametrize("backend", [None, "", "AzureStorage"])
def test_leaves_the_default_alone(tmp_path: Path, backend: str | None) -> None:
    shutil.copy(ROOT / "host.json", tmp_path)
    result = prepackage(tmp_path, backend)
    assert (result.returncode, result.stdout) == (0, "")
    assert (tmp_path / "host.json").read_text() == (ROOT / "host.json").read_text()


def test_keeps_the_ends_of_lines(tmp_path: Path) -> None:
    """Git may have written CRLF on Windows."""
    crlf = (ROOT / "host.json").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "host.json").write_bytes(crlf)
    assert prepackage(tmp_path, "DurableTaskScheduler").returncode == 0
    switched = (tmp_path / "host.json").read_bytes()
    assert switched.count(b"\r\n") == switched.count(b"\n") == crlf.count(b"\n")


def test_refuses_an_unknown_backend(tmp_path: Path) -> None:
    shutil.copy(ROOT / "host.json", tmp_path)
    result = prepackage(tmp_path, "Netherite")
    assert result.returncode == 1
    assert "must be AzureStorage or DurableTaskScheduler, not 'Netherite'" in result.stdout
    assert (tmp_path / "host.json").read_text() == (ROOT / "host.json").read_text()


def test_says_that_it_found_no_place(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{}\n")
    result = prepackage(tmp_path, "DurableTaskScheduler")
    assert result.returncode == 1
    assert "host.json has no line" in result.stdout
    assert (tmp_path / "host.json").read_text() == "{}\n"
