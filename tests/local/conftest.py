import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the functions of the app ``events`` record their input."""
    return tmp_path_factory.mktemp("seen") / "seen.jsonl"


@pytest.fixture
def seen(seen_file: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Reads the records of a function; they are empty at the start of each test."""
    seen_file.write_text("")

    def by(function: str) -> list[dict[str, Any]]:
        # The last line may be incomplete while it is written.
        whole_lines = seen_file.read_text().rpartition("\n")[0].splitlines()
        return [note for line in whole_lines if (note := json.loads(line))["by"] == function]

    return by
