"""requirements.txt pins what requirements.in asks for, on each declared Python."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.declared_pythons import declared_pythons

ROOT = Path(__file__).parents[2]
DECLARED = declared_pythons((ROOT / "pyproject.toml").read_text())
PINS = (ROOT / "requirements.txt").read_text()


def requirements(name: str) -> list[Requirement]:
    lines = (line.strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def on(python: str, requirement: Requirement) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


@pytest.mark.parametrize("python", DECLARED)
def test_each_range_has_one_pin_that_is_in_it(python: str) -> None:
    pins = [pin for pin in requirements("requirements.txt") if on(python, pin)]
    versions = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(versions) == len(pins)
    for asked in requirements("requirements.in"):
        if on(python, asked):
            assert asked.specifier.contains(versions[asked.name]), asked


def test_everything_is_pinned_exactly_and_no_registry_is_named() -> None:
    for pin in requirements("requirements.txt"):
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
    assert "://" not in PINS


def test_the_pins_are_for_the_lowest_python_and_up() -> None:
    """Dependabot repeats these options when it moves a pin."""
    assert f"uv pip compile --universal --python-version {DECLARED[0]} " in PINS
    assert f"--python-version {DECLARED[0]} " in (ROOT / "Makefile").read_text()


def test_make_requirements_changes_nothing_when_nothing_was_asked_for(tmp_path: Path) -> None:
    for name in ("requirements.in", "requirements.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    command = re.search(r"^#    uv (pip compile .+)$", PINS, re.MULTILINE)
    assert command is not None
    uv = [sys.executable, "-m", "uv", *command[1].split(), "--quiet"]
    subprocess.run(uv, cwd=tmp_path, env={**os.environ, "UV_NO_CACHE": "1"}, check=True, timeout=120)
    assert (tmp_path / "requirements.txt").read_text() == PINS
