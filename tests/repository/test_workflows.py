"""The GitHub workflows: actions are pinned, permissions declared, and CI runs on each declared Python."""

import re
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
def test_permissions_are_declared_and_no_secret_is_stored(path: Path) -> None:
    workflow = _workflow(path.name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
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
    job = _workflow("deploy.yml")["jobs"]["deploy"]
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert any("--federated-credential-provider github" in step.get("run", "") for step in job["steps"])


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
