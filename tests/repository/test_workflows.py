"""The GitHub workflows: actions are pinned, permissions declared, and CI runs on each declared Python."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.declared_pythons import declared_pythons

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def _workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return loaded


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    uses = [line for line in path.read_text().splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert uses
    assert [line for line in uses if not PINNED.search(line)] == []


def test_an_action_has_one_commit_everywhere() -> None:
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+)@(\S+)", path.read_text())}
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_declared_and_secrets_are_for_the_deployment_only(path: Path) -> None:
    workflow = _workflow(path.name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    if path.name != "azure-dev.yml":  # make check-infra says which step of it may have which secret
        assert "secrets." not in path.read_text()
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_ci_runs_what_the_project_runs_on_every_declared_python() -> None:
    jobs = _workflow("ci.yml")["jobs"]
    declared = declared_pythons((ROOT / "pyproject.toml").read_text())
    assert jobs["check-and-test"]["strategy"]["matrix"]["python"] == declared
    commands = [step["run"] for step in jobs["check-and-test"]["steps"] if "run" in step]
    local = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith("make ")]
    assert set(local) <= set(commands)


def test_deployment_signs_in_by_federated_credentials() -> None:
    workflow = _workflow("azure-dev.yml")
    job = workflow["jobs"]["deploy"]
    assert workflow[True] == {"workflow_dispatch": None}, "YAML 1.1 reads the key `on` as true"
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert any("--federated-credential-provider github" in step.get("run", "") for step in job["steps"])


WARNING = (
    'infra/main.bicep(5,7) : Warning no-unused-params: Parameter "a" is declared but never used. [https://x]'
)
NEWER = 'WARNING: A new Bicep release is available: v9.9.9. Upgrade now by running "az bicep upgrade".'


@pytest.mark.parametrize(
    ("main", "connections", "succeeds"),
    [
        ("", "", True),
        (f"echo '{NEWER}' >&2", "", True),
        ("echo 'WARNING: " + WARNING + "' >&2", "", False),
        ("", "echo 'WARNING: " + WARNING + "' >&2", False),
        ("echo 'ERROR: " + WARNING.replace("Warning", "Error") + "' >&2; exit 1", "", False),
        ("echo 'ERROR: Bicep CLI not found.' >&2; exit 1", "", False),
    ],
    ids=["clean", "newer compiler", "warning", "warning in the second template", "error", "no compiler"],
)
def test_a_warning_of_the_compiler_fails_the_job(
    tmp_path: Path, main: str, connections: str, succeeds: bool
) -> None:
    """The step's own text, with a stub of the Azure CLI that prints as the real one does: to standard error."""
    [step] = [
        one
        for one in _workflow("ci.yml")["jobs"]["compile-templates"]["steps"]
        if "az bicep build" in str(one)
    ]
    stub = tmp_path / "bin/az"
    stub.parent.mkdir()
    stub.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\necho \'{{"a": " : Warning "}}\'\n'
        f'case "$*" in\n*main.bicep*) {main or ":"} ;;\n*connections.bicep*) {connections or ":"} ;;\nesac\n'
    )
    stub.chmod(0o755)
    assert step["shell"] == "bash"
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={"PATH": f"{stub.parent}:{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode == 0) is succeeds, result.stdout + result.stderr
    if succeeds:
        built = (tmp_path / "calls").read_text()
        assert "infra/main.bicep" in built and "infra/connections.bicep" in built
    elif "Warning" in main + connections:
        assert "no-unused-params" in result.stdout


def test_the_compiler_has_one_version() -> None:
    steps = [step.get("run", "") for step in _workflow("ci.yml")["jobs"]["compile-templates"]["steps"]]
    assert any(re.fullmatch(r"az bicep install --version v\d+\.\d+\.\d+", step) for step in steps)


def test_dependency_updates_cover_every_requirements_file_and_the_actions() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    folders = {
        ROOT / update["directory"].strip("/")
        for update in updates
        if update["package-ecosystem"] in ("uv", "pip")
    }
    covered = {path for folder in folders for path in folder.glob("requirements*.txt")}
    for path in list(covered):
        covered |= {path.parent / name for name in re.findall(r"^-r (\S+)", path.read_text(), re.MULTILINE)}
    places = (".", "local", "packages/*")
    assert covered >= {path for place in places for path in ROOT.glob(f"{place}/requirements*.txt")}
    assert folders >= {path.parent for path in ROOT.glob("packages/*/pyproject.toml")}
    assert "github-actions" in {update["package-ecosystem"] for update in updates}
