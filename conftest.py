"""The tiers of the tests: a marker says what a test starts, and a test that starts more than its marker says fails.

``browser``: needs Chromium. ``host``: starts a Functions host, the local Azure ML or a command of ``local`` as a
process. ``storage``: needs Azurite, the emulator of Azure Storage. ``slow``: installs or resolves packages, or takes
many seconds. ``make test-fast`` leaves all four out.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

BROWSER_FIXTURES = {"browser"}
STORAGE_FIXTURES = {"azurite"}
HOST_FIXTURES = {"host_command", "machine", "start_host"}
HOST_TESTS = (
    "tests/benchmarks/",
    "tests/docs/test_commands.py",
    "tests/docs/test_readme.py",
    "tests/end_to_end/",
    "/test_command_line.py",
    "/test_kill.py",
    "/test_run_command.py",
    "/test_serve_command.py",
    "/test_with_functions_host.py",
)
"""Parts of the ids of tests that start the process themselves or in a fixture of their own."""

SLOW_TESTS = (
    "tests/faults/",
    "/test_load.py",
    "/test_make_venv.py",
    "::test_app_starts_with_its_own_requirements_alone",
    "::test_make_requirements_changes_nothing",
    "::test_thousands_of_files",
)
"""Parts of the ids of these tests."""

HOST_MODULES = {"crash_host", "functions_host", "local"}
"""A process of ``python -m NAME`` is a host if the first or last part of the dotted name is one of these."""

AZURITE = Path(__file__).parent / ".local/azurite/node_modules/azurite/dist/src/table/main.js"

NO_BROWSER = "no Chromium: run make browser"
NO_AZURITE = "no Azurite: run make azurite"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        name = item.nodeid.partition("[")[0]
        if fixtures & BROWSER_FIXTURES:
            item.add_marker("browser")
        if fixtures & STORAGE_FIXTURES:
            item.add_marker("storage")
        if fixtures & HOST_FIXTURES or any(part in name for part in HOST_TESTS):
            item.add_marker("host")
        if any(part in name for part in SLOW_TESTS):
            item.add_marker("slow")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures, so that no host starts for a test that is skipped."""
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        _not_installed(NO_BROWSER)
    if item.get_closest_marker("storage") and not AZURITE.exists():
        _not_installed(NO_AZURITE)


def _not_installed(reason: str) -> None:
    # Skipped tests would let CI pass without a look at the page or the storage.
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


class _Guard:
    """Watches the processes that a test starts itself; those that its children start are not seen."""

    def __init__(self) -> None:
        self._marks: set[str] | None = None
        sys.addaudithook(self._see)

    def watch(self, item: pytest.Item) -> None:
        self._marks = {mark.name for mark in item.iter_markers()}

    def stop(self) -> None:
        self._marks = None

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != "subprocess.Popen" or self._marks is None:
            return
        kind = _kind_of_process(arguments[1])
        if kind and kind not in self._marks:
            pytest.fail(f"This test starts a {kind} process: conftest.py must give it the marker {kind}.")


def _kind_of_process(command: object) -> str | None:
    words = [str(word) for word in command] if isinstance(command, list | tuple) else [str(command)]
    if "playwright" in words[0] or "chromium" in words[0]:
        return "browser"
    if str(AZURITE) in words:
        return "storage"
    if "-m" in words[:-1]:
        name = words[words.index("-m") + 1].split(".")
        if HOST_MODULES & {name[0], name[-1]}:
            return "host"
    return None


_guard = _Guard()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _guard.watch(item)
    try:
        return (yield)
    finally:
        _guard.stop()
