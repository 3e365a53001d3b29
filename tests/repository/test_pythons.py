"""Each file that names a version of Python names the declared ones, or the one that is deployed."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from infra.check.check import check
from infra.check.project import Project
from tools.declared_pythons import declared_pythons

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
DECLARED = declared_pythons(PYPROJECT)
FUNCTION_APP = Path("infra/modules/function-app.bicep")


@pytest.fixture
def deployed() -> str:
    runtime = re.search(r"name: 'python'\s+version: '([^']+)'", (ROOT / FUNCTION_APP).read_text())
    assert runtime is not None
    return runtime[1]


def test_both_ends_of_the_range() -> None:
    assert declared_pythons('[project]\nrequires-python = ">=3.9,<3.12"') == ["3.9", "3.10", "3.11"]


@pytest.mark.parametrize("unbounded", [">=3.11", "==3.11.*"])
def test_a_range_without_an_end_is_refused(unbounded: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        declared_pythons(f'[project]\nrequires-python = "{unbounded}"')


@pytest.mark.parametrize("version", DECLARED)
def test_each_of_them_may_be_deployed(version: str, deployed: str) -> None:
    template = (ROOT / FUNCTION_APP).read_text().replace(f"version: '{deployed}'", f"version: '{version}'")
    assert list(check(Project(ROOT, {FUNCTION_APP: template}))) == []


def test_lint_and_types_are_for_the_lowest() -> None:
    tool = tomllib.loads(PYPROJECT)["tool"]
    assert tool["mypy"]["python_version"] == DECLARED[0]
    assert tool["ruff"]["target-version"] == f"py{DECLARED[0].replace('.', '')}"


def test_make_looks_for_the_deployed_one_before_the_others(deployed: str) -> None:
    candidates = re.search(r"^PYTHON \?= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert candidates is not None
    others = [version for version in DECLARED if version != deployed]
    assert candidates[1].split() == [*(f"python{version}" for version in (deployed, *others)), "python3"]


def test_dependencies_are_audited_as_deployed(deployed: str) -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["audit"]["steps"]
    assert [step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")] == [
        deployed
    ]


def test_devcontainer_has_the_deployed_one(deployed: str) -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert f"python:{deployed}-" in container["image"]


def test_the_picture_names_the_deployed_one(deployed: str) -> None:
    assert f"Python {deployed}" in (ROOT / "docs/deployment.dot").read_text()
