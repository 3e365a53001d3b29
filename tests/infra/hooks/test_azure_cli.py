"""The calls of the Azure CLI that the hooks make."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.hooks import azure_cli
from infra.hooks.azure_cli import AzureCli, AzureCliError
from tests.infra.hooks.stub_azure import ROOT
from tests.waiting import wait_for


def program(folder: Path, body: str) -> AzureCli:
    path = folder / "az"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return AzureCli(str(path))


def test_a_look_up_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_cli, "_LOOK_UP_SECONDS", 0.2)
    azure = program(tmp_path, "exec sleep 60")
    with pytest.raises(AzureCliError, match=r"az group list did not end within 0\.2 s"):
        azure.read("group", "list")


def test_nothing_of_az_runs_on_after_the_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The az of most systems is a script, whose child does the work."""
    monkeypatch.setattr(azure_cli, "_LOOK_UP_SECONDS", 2)
    child = tmp_path / "child"
    with pytest.raises(AzureCliError, match="did not end"):
        program(tmp_path, f"sleep 60 &\necho $! > {child}\nwait").read("group", "list")
    wait_for("the end of the child", lambda: is_over(int(child.read_text())))


def is_over(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_a_question_of_az_finds_no_answer(tmp_path: Path) -> None:
    """Also where somebody sits before the hook, who would not see the question."""
    program(tmp_path, 'read -r answer || { echo "no answer" >&2; exit 2; }')
    call = f"AzureCli({str(tmp_path / 'az')!r}).change('deployment', 'sub', 'create')"
    result = subprocess.run(
        [sys.executable, "-c", f"from infra.hooks.azure_cli import AzureCli; {call}"],
        cwd=ROOT,
        input="yes\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "AzureCliError: no answer" in result.stderr


def test_an_answer_that_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(AzureCliError, match="az group list printed no JSON"):
        program(tmp_path, "echo hello").read("group", "list", "--subscription", "one")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_names_have_their_letters_in_the_encoding_of_each_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(azure_cli, "getpreferredencoding", lambda _: "cp1252")
    (tmp_path / "answer").write_bytes('["données"]'.encode(encoding))
    assert program(tmp_path, f"cat {tmp_path}/answer").read("group", "list") == ["données"]


def test_a_failure_without_words(tmp_path: Path) -> None:
    with pytest.raises(AzureCliError, match="exit code 3"):
        program(tmp_path, "exit 3").read("group", "list")


def test_a_program_that_cannot_run(tmp_path: Path) -> None:
    with pytest.raises(AzureCliError, match="cannot run"):
        AzureCli(str(tmp_path / "az")).read("group", "list")
