"""The checker finds nothing in the repository, and finds each planted fault with its file and line."""

import difflib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.check.check import check, notes
from infra.check.project import Project
from infra.check.rules.pipeline import check_pipeline

ROOT = Path(__file__).parents[3]
MUTATIONS: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("mutations.yaml").read_text())


def test_nothing_is_wrong() -> None:
    assert [str(finding) for finding in check(Project(ROOT, {}))] == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation["name"])
def test_fault_is_caught(mutation: dict[str, str]) -> None:
    path = Path(mutation["file"])
    before = (ROOT / path).read_text()
    assert mutation["old"] in before, "the text to replace is gone"
    after = before.replace(mutation["old"], mutation["new"], 1)

    findings = check(Project(ROOT, {path: after}))

    matching = [finding for finding in findings if mutation["message"] in finding.message]
    assert matching, [str(finding) for finding in findings]
    place = mutation.get("place", "changed")
    assert {finding.file for finding in matching} == {path if place in ("changed", "file") else Path(place)}
    if place == "changed":
        changed = _changed_lines(before, after)
        assert any(finding.line in changed for finding in matching), (list(map(str, matching)), changed)


@pytest.mark.parametrize(
    "path",
    sorted(
        path for part in ("language", "evaluation") for path in (ROOT / "infra/check" / part).glob("*.py")
    ),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_language_and_evaluation_know_no_rule(path: Path) -> None:
    imports = [line for line in path.read_text().splitlines() if line.startswith(("from ", "import "))]
    assert not any("infra.check.rules" in line for line in imports)


def test_a_module_that_nothing_uses_is_found() -> None:
    main = Path("infra/main.bicep")
    without = re.sub(r"\nmodule network .*?\n}\n", "\n", (ROOT / main).read_text(), flags=re.DOTALL)
    findings = check(Project(ROOT, {main: without}))
    assert "infra/modules/network.bicep:1: no template uses this module" in map(str, findings)


def test_a_workflow_that_azd_does_not_find_is_found(tmp_path: Path) -> None:
    for name in ("infra", "azure.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    findings = list(check_pipeline(Project(tmp_path, {})))
    assert ["there is no such workflow" in finding.message for finding in findings] == [True]


def test_a_wrong_endpoint_is_the_fault_of_its_rule() -> None:
    rules = Path("infra/new-data-rules.json")
    text = (
        '[\n{ "container": "incoming" },\n{ "container": "incoming", "endpoint_uri": "https://other host" }]'
    )
    (finding,) = check(Project(ROOT, {rules: text}))
    assert (finding.file, finding.line) == (rules, 3)
    assert "the app would not start: App setting NEW_DATA_RULES, rule 1, endpoint_uri" in finding.message


def test_a_rule_may_name_an_endpoint_that_the_environment_allows() -> None:
    rules = Path("infra/new-data-rules.json")
    other = "https://other.eastus.inference.ml.azure.com/jobs"
    text = json.dumps([{"container": "incoming", "endpoint_uri": other}])
    assert [str(finding) for finding in check(Project(ROOT, {rules: text}))] == []


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({mutation["name"] for mutation in MUTATIONS}) == len(MUTATIONS)


def test_types_without_published_schema_are_named() -> None:
    known = notes(Project(ROOT, {}))
    assert any(note.startswith("Microsoft.DurableTask/schedulers is compared with a table") for note in known)


def test_command_prints_findings_and_fails(tmp_path: Path) -> None:
    skipped = shutil.ignore_patterns(".?*", "__pycache__", "node_modules", "tests", "local", "benchmarks")
    shutil.copytree(ROOT, tmp_path, ignore=skipped, dirs_exist_ok=True)
    shutil.copy(ROOT / ".funcignore", tmp_path)
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    host = tmp_path / "host.json"
    host.write_text(re.sub(r'"defaultVersion": "[0-9.]+",', "", host.read_text()))

    command = [sys.executable, "-m", "infra.check"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert "extensions.durableTask.defaultVersion is missing" in result.stdout
    assert "1 finding" in result.stdout


def _changed_lines(before: str, after: str) -> set[int]:
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return {
        number + 1
        for tag, _, _, start, end in matcher.get_opcodes()
        if tag != "equal"
        for number in range(start, max(end, start + 1))
    }
