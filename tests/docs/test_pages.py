"""What the documentation says, held against the code it speaks of."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from triggers.problem import _TITLES

from batch.advice import advice
from batch.errors import ErrorCode
from batch.new_data.blob import Blob
from batch.new_data.rules import PLACEHOLDERS
from batch.new_data.settings import NewData
from batch.run import job_status
from batch.run.phases import OUTCOMES, PENDING, PHASES, TERMINATED, Phase
from batch.settings import Settings
from client import follow_command, phases
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, table

KNOWN_LANGUAGES = {"bash", "json", "ini", "mermaid", "kusto", "text"}
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links() -> Iterator[Any]:
    for path in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text()):
            yield pytest.param(path, target, id=f"{path.name} {target}")


@pytest.mark.parametrize(("path", "target"), list(links()))
def test_each_link_leads_somewhere(path: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    assert file.exists()
    assert not anchor or anchor in anchors(file)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_block_says_what_it_is(path: Path) -> None:
    assert {block.language for block in blocks(path)} <= KNOWN_LANGUAGES


def test_the_index_names_each_page() -> None:
    named = set(re.findall(r"\]\((\S+\.md)\)", page("README.md")))
    assert named >= {path.name for path in PAGES} - {"README.md", "deployment.md"}


def test_every_error_is_there_with_its_advice() -> None:
    rows = table(page("errors.md"), "code")
    assert [(code.strip("`"), text) for code, _, text in rows] == [
        (code.value, advice(code.value)) for code in ErrorCode
    ]
    ends = set(PHASES) - {PENDING} - (set(Phase) - OUTCOMES) | {"or a passing problem", "or Terminated"}
    assert {part.strip() for _, outcome, _ in rows for part in outcome.split(",")} <= ends


def test_every_refusal_is_there_with_its_title() -> None:
    rows = table(page("errors.md"), "status")
    assert {int(status): title for status, title, _ in rows} == _TITLES


def test_the_state_chart_has_every_phase_and_no_other() -> None:
    [chart] = [
        block.text for block in blocks(DOCS / "how-a-run-works.md") if block.text.startswith("stateDiagram")
    ]
    arrows = re.findall(r"^ +(\S+) --> (\w+|\[\*\])", chart, re.MULTILINE)
    assert {state for arrow in arrows for state in arrow} - {"[*]"} == set(PHASES)
    assert {start for start, end in arrows if end == "[*]"} == {*OUTCOMES, TERMINATED}


def test_every_job_status_is_in_its_bucket() -> None:
    for bucket, statuses, _ in table(page("how-a-run-works.md"), "bucket"):
        for status in statuses.replace(", and any that Azure ML invents", "").split(", "):
            assert job_status.bucket_of(status).value == bucket
    listed = {
        status for _, row, _ in table(page("how-a-run-works.md"), "bucket") for status in row.split(", ")
    }
    assert set(job_status._BUCKETS) <= listed


def test_the_exit_codes_are_those_of_the_command() -> None:
    rows = {int(code): text for code, text in table(page("watching.md"), "exit code")}
    assert set(rows) == {
        *phases.exit_codes(),
        follow_command.NOT_READABLE,
        follow_command.LEFT,
    }
    codes = phases.exit_codes()
    assert all(phase in rows[code] for code, names in codes.items() for phase in names)


def new_data_rules(rule: dict[str, Any]) -> NewData:
    environment = {"NEW_DATA_RULES": json.dumps([rule]), "NEW_DATA_TOPIC": TOPIC}
    origin = "https://energy.westeurope.inference.ml.azure.com"
    return NewData.from_environment(
        environment, Settings.from_environment({"BATCH_ENDPOINT_URI": f"{origin}/jobs"})
    )


def examples() -> Iterator[Any]:
    text = page("new-data.md")
    for block in blocks(DOCS / "new-data.md"):
        if block.language == "json":
            behind = text[text.index(block.text) :].partition("\n## ")[0]
            yield pytest.param(json.loads(block.text), table(behind, "blob"), id=block.info)


@pytest.mark.parametrize(("rule", "rows"), list(examples()))
def test_each_rule_does_with_each_blob_what_its_table_says(
    rule: dict[str, Any], rows: list[list[str]]
) -> None:
    [checked] = new_data_rules(rule).rules
    for name, happens, _ in rows:
        blob = Blob("account", "readings", name.strip("`"), "1", datetime(2026, 1, 31, tzinfo=UTC))
        if happens == "ignored":
            assert not checked.matches(blob), name
        else:
            assert checked.matches(blob), name
            assert happens.startswith("joins") is (checked.start == "folder")
            if happens.startswith("joins `"):
                assert blob.folder == happens.removeprefix("joins `").rstrip("`")


def test_plain_settings_make_one_rule() -> None:
    [block] = [block for block in blocks(DOCS / "new-data.md") if block.language == "ini"]
    environment = dict(line.split("=", 1) for line in block.text.splitlines())
    settings = Settings.from_environment({"BATCH_ENDPOINT_URI": "https://a.example/jobs"})
    [rule] = NewData.from_environment(environment, settings).rules
    assert (rule.container, rule.suffix, rule.quiet_seconds) == ("readings", ".csv", 120)


def test_the_placeholders_are_those_of_the_rules() -> None:
    told = re.findall(r"\{(\w+)\}", " ".join(row[0] for row in table(page("new-data.md"), "placeholder")))
    assert set(told) == set(PLACEHOLDERS)


def test_the_queries_ask_for_what_is_logged() -> None:
    code = "".join(
        path.read_text()
        for folder in ("batch", "triggers", "activities")
        for path in (ROOT / folder).rglob("*.py")
    )
    queries = [block.text for block in blocks(DOCS / "watching.md") if block.language == "kusto"]
    events = {event for query in queries for event in re.findall(r'startswith "(\w+)"', query)}
    fields = {field for query in queries for field in re.findall(r'@"(\w+)=', query)}
    assert events == {"run_started", "run_ended", "step_failed"}
    assert all(f'"{event}"' in code for event in events)
    assert all(re.search(rf"\b{field}=", code) for field in fields) and fields


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_that_need_azure_are_at_least_well_formed(path: Path) -> None:
    for block in blocks(path):
        if block.language == "bash":
            subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
