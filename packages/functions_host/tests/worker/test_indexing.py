"""An app that cannot be indexed: the host ends with code 1 and the reason the production worker gives."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        (
            "generic_annotation",
            "cannot load the act function: binding payload has invalid non-type annotation dict[str, str]",
        ),
        ("two_apps", "ValueError: More than one FunctionApp or other top level function app instances"),
        (
            "import_error",
            "ModuleNotFoundError: No module named 'a_module_that_is_not_installed'. Cannot find",
        ),
        (
            "missing_parameter",
            "the following parameters are declared in Python but not in the function definition",
        ),
        ("no_function_app", "There is no function_app.py in"),
    ],
)
def test_the_reason_is_reported(
    host_command: Callable[..., list[str]], tmp_path: Path, app: str, reason: str
) -> None:
    ended = subprocess.run(
        host_command(app, tmp_path / "hub.db"), capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    last_line = ended.stderr.rstrip().splitlines()[-1]
    assert last_line.startswith("The function app cannot be indexed: ")
    assert reason in last_line
