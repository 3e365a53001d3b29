"""azd runs the hooks of azure.yaml as scripts of a shell, in the folder of the project."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_powershell
import yaml
from tree_sitter import Language, Parser

from tests.infra.hooks.environments import GIVEN
from tests.infra.hooks.stub_azure import ROOT, Azure

AZURE_YAML: dict[str, Any] = yaml.safe_load((ROOT / "azure.yaml").read_text())
HOOKS: dict[str, dict[str, dict[str, Any]]] = {
    **AZURE_YAML["hooks"],
    **AZURE_YAML["services"]["api"]["hooks"],
}
HEADERS = {"old": "#!/bin/sh\n", "new": "#!/bin/sh\nset -e\n"}
"""Versions of azd begin the file that they make of a script with these lines."""


def test_there_are_three_hooks() -> None:
    assert sorted(HOOKS) == ["postdeploy", "prepackage", "preprovision"]


@pytest.mark.parametrize("name", HOOKS)
def test_powershell_is_powershell(name: str) -> None:
    parser = Parser(Language(tree_sitter_powershell.language()))
    script = HOOKS[name]["windows"]["run"]
    assert not parser.parse(script.encode()).root_node.has_error
    assert f"-m infra.hooks.{name}\nexit $LASTEXITCODE" in script


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("name", HOOKS)
def test_the_shell_runs_the_module_and_keeps_its_exit_code(
    azure: Azure, tmp_path: Path, name: str, header: str
) -> None:
    """In a folder with a blank in its name, which broke the path of a script."""
    project = tmp_path / "a project"
    ignored = shutil.ignore_patterns("check", "__pycache__")
    shutil.copytree(ROOT / "infra", project / "infra", ignore=ignored)
    script = tmp_path / "azd-hook.sh"
    script.write_text(f"{header}\n# Auto generated\n{HOOKS[name]['posix']['run']}\n")
    (azure.path / "python3").symlink_to(sys.executable)
    azure.prepare()

    result = subprocess.run(
        ["/bin/sh", script],
        cwd=project,
        env={
            **GIVEN,
            "PATH": str(azure.path),
            "DURABLE_BACKEND": "Netherite",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    wanted = "The environment has no" if name == "postdeploy" else "DURABLE_BACKEND"
    assert wanted in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("path", sorted((ROOT / "infra/hooks").glob("*.py")), ids=lambda path: path.name)
def test_a_hook_needs_no_newer_python_than_it_says_and_no_package(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 10))
    imported = {
        module.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names | {"infra"}


def test_an_older_python_is_told() -> None:
    """The message must come before any syntax that the older one does not know."""
    code = "import sys; sys.version_info = (3, 9, 18); sys.version = '3.9.18 (old)'; import infra.hooks.preprovision"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "need Python 3.10 or later. This is 3.9.18" in result.stderr
