"""Fixtures for the app ``events``: what its functions note of the events and ticks that they are given."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the functions of the app ``events`` note what they were given."""
    return tmp_path_factory.mktemp("seen") / "seen.jsonl"


@pytest.fixture
def seen(seen_file: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Reads what a function has noted; each test starts with nothing noted."""
    seen_file.write_text("")

    def by(function: str) -> list[dict[str, Any]]:
        # The line that is being written may not be all there.
        whole_lines = seen_file.read_text().rpartition("\n")[0].splitlines()
        return [note for line in whole_lines if (note := json.loads(line))["by"] == function]

    return by
