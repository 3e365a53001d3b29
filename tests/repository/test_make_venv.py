"""Which Python make takes, and whether it keeps a virtual environment that exists."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.declared_pythons import declared_pythons

ROOT = Path(__file__).parents[2]
DECLARED = declared_pythons((ROOT / "pyproject.toml").read_text())
THIS_PYTHON = f'exec "{sys.executable}" "$@"'


def says(version: str) -> str:
    """A Python that does nothing but print its version."""
    return f'if [ "$1" = -c ]; then echo {version}; fi'


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "commands"
    folder.mkdir()
    return folder


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / "venv"


def add(folder: Path, name: str, script: str) -> None:
    command = folder / name
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


def make_venv(venv: Path, commands: Path) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    arguments = [bash, ROOT / "tools/make_venv.sh", venv, "python3.11", "python3"]
    return subprocess.run(
        arguments, env={"PATH": str(commands)}, capture_output=True, text=True, check=False, timeout=60
    )


def works(venv: Path) -> bool:
    return subprocess.run([venv / "bin/python", "-m", "pip", "--version"], check=False).returncode == 0


def assert_names_what_is_needed(message: str) -> None:
    assert all(version in message for version in (*DECLARED, "PYTHON="))
    assert message.count("\n") == 1


def test_a_command_that_does_not_run_is_passed_over(venv: Path, commands: Path) -> None:
    add(commands, "python3.11", "exit 127")
    add(commands, "python3", THIS_PYTHON)

    assert make_venv(venv, commands).returncode == 0

    assert works(venv)


@pytest.mark.parametrize("version", DECLARED)
def test_every_declared_version_is_taken(venv: Path, commands: Path, version: str) -> None:
    add(commands, "python3", says(version))
    assert make_venv(venv, commands).returncode == 0


@pytest.mark.parametrize("version", ["2.7", "3.10", "3.14"])
def test_another_version_is_refused_in_one_line(venv: Path, commands: Path, version: str) -> None:
    add(commands, "python3", says(version))

    result = make_venv(venv, commands)

    assert result.returncode == 1
    assert_names_what_is_needed(result.stderr)
    assert f"python3 is {version}" in result.stderr


def test_without_any_python_the_same_is_needed(venv: Path, commands: Path) -> None:
    result = make_venv(venv, commands)

    assert result.returncode == 1
    assert_names_what_is_needed(result.stderr)


def test_an_environment_that_works_stays(venv: Path, commands: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    (venv / "installed").touch()

    assert make_venv(venv, commands).returncode == 0

    assert (venv / "installed").exists()


def test_an_environment_of_another_version_is_made_again(venv: Path, commands: Path) -> None:
    (venv / "bin").mkdir(parents=True)
    add(venv / "bin", "python", says("3.10"))
    add(commands, "python3", THIS_PYTHON)

    assert make_venv(venv, commands).returncode == 0

    assert works(venv)


def test_an_environment_that_is_incomplete_is_made_again(venv: Path, commands: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    add(commands, "python3", THIS_PYTHON)

    assert make_venv(venv, commands).returncode == 0

    assert works(venv)


def test_make_installs_again_when_the_environment_has_lost_its_python(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    listed = re.search(r"^REQUIREMENTS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed is not None
    for requirements in listed[1].split():
        (tmp_path / requirements).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / requirements).touch()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / ".venv/.installed").touch()
    is_up_to_date = ["make", "--question", ".venv/.installed"]
    assert subprocess.run(is_up_to_date, cwd=tmp_path, check=False).returncode == 0

    python.unlink()
    python.symlink_to(tmp_path / "removed")

    assert subprocess.run(is_up_to_date, cwd=tmp_path, check=False).returncode == 1
