"""The tiers of the tests, on a small project that has the same conftest.py."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import HOST_TESTS, SLOW_TESTS

ROOT = Path(__file__).parents[2]
NEEDS_BROWSER = """
import pytest

@pytest.fixture
def browser():
    print("started")

def test_page(browser):
    pass
"""
NEEDS_AZURITE = """
import pytest

@pytest.fixture
def azurite():
    print("started")

def test_ledger(azurite):
    pass
"""
STARTS_AZURITE = """
import subprocess
from conftest import AZURITE

def test_without_marker():
    subprocess.run(["node", AZURITE])
"""
STARTS_HOST = """
import subprocess, sys

def test_without_marker():
    subprocess.run([sys.executable, "-m", "functions_host", "--help"])
"""


def run_tests(folder: Path, content: str, **environment: str) -> str:
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nmarkers = ["browser", "storage", "host", "slow"]\n'
    )
    (folder / "test_one.py").write_text(content)
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "test_one.py"],
        cwd=folder,
        env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout


def test_without_a_browser_its_tests_are_skipped_with_the_reason(tmp_path: Path) -> None:
    report = run_tests(tmp_path, NEEDS_BROWSER, PATH=str(tmp_path))
    assert "1 skipped" in report
    assert "no Chromium: run make browser" in report


def test_in_ci_they_fail_instead(tmp_path: Path) -> None:
    report = run_tests(tmp_path, NEEDS_BROWSER, PATH=str(tmp_path), CI="true")
    assert "1 error" in report
    assert "no Chromium: run make browser" in report
    assert "started" not in report


def test_without_azurite_its_tests_are_skipped_with_the_reason(tmp_path: Path) -> None:
    report = run_tests(tmp_path, NEEDS_AZURITE)
    assert "1 skipped" in report
    assert "no Azurite: run make azurite" in report


def test_in_ci_they_fail_too(tmp_path: Path) -> None:
    report = run_tests(tmp_path, NEEDS_AZURITE, CI="true")
    assert "1 error" in report
    assert "no Azurite: run make azurite" in report
    assert "started" not in report


def test_an_azurite_that_no_marker_announces_fails_the_test(tmp_path: Path) -> None:
    report = run_tests(tmp_path, STARTS_AZURITE)
    assert "1 failed" in report
    assert "This test starts a storage process: conftest.py must give it the marker storage." in report


def test_a_host_that_no_marker_announces_fails_the_test(tmp_path: Path) -> None:
    report = run_tests(tmp_path, STARTS_HOST)
    assert "1 failed" in report
    assert "This test starts a host process: conftest.py must give it the marker host." in report


@pytest.mark.parametrize("part", [*HOST_TESTS, *SLOW_TESTS])
def test_what_is_marked_by_name_is_there(part: str) -> None:
    tests = [path for folder in ("tests", "packages") for path in (ROOT / folder).rglob("test_*.py")]
    if part.startswith("::"):
        assert any(f"def {part[2:]}" in path.read_text() for path in tests)
    else:
        assert any(part in path.as_posix() for path in tests)
