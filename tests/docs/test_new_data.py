"""The examples of docs/new-data.md: each rule does with each blob what its table says."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batch.new_data.blob import CREATE_FILE, FINISHED_UPLOADS, RENAMES, Blob
from batch.new_data.due import next_due
from batch.new_data.ignored import IgnoreReason
from batch.new_data.schedule_request import scheduled_request, scheduled_run_id
from batch.new_data.settings import NewData
from batch.new_data.template import fill
from batch.settings import Settings
from local.new_data_rules import local_rules
from tests.docs.pages import DOCS, blocks, table

PAGE = DOCS / "new-data.md"
SCHEDULE = "json rule=schedule"
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"


SETTINGS = Settings.from_environment(
    {"BATCH_ENDPOINT_URI": "https://energy.westeurope.inference.ml.azure.com/jobs"}
)


def new_data(environment: dict[str, str]) -> NewData:
    return NewData.from_environment(environment, SETTINGS)


def examples() -> Iterator[Any]:
    text = PAGE.read_text()
    for block in blocks(PAGE):
        if block.language == "json" and block.info != SCHEDULE:
            behind = text[text.index(block.text) :].partition("\n## ")[0]
            yield pytest.param(json.loads(block.text), table(behind, "blob"), id=block.info)


@pytest.mark.parametrize(("rule", "rows"), list(examples()))
def test_each_rule_does_with_each_blob_what_its_table_says(
    rule: dict[str, Any], rows: list[list[str]]
) -> None:
    [checked] = new_data({"NEW_DATA_RULES": json.dumps([rule]), "NEW_DATA_TOPIC": TOPIC}).rules
    for name, happens, _ in rows:
        blob = Blob("account", "readings", name.strip("`"), "1", datetime(2026, 1, 31, tzinfo=UTC))
        if happens == "ignored":
            assert checked.why_ignored(blob) is not None, name
        else:
            assert checked.why_ignored(blob) is None, name
            assert happens.startswith("joins") is (checked.start == "folder")
            if happens.startswith("joins `"):
                assert blob.folder == happens.removeprefix("joins `").rstrip("`")


@pytest.mark.parametrize("rule", [pytest.param(one.values[0], id=one.id) for one in examples()])
def test_no_rule_takes_its_own_results(rule: dict[str, Any]) -> None:
    given = {"NEW_DATA_RULES": json.dumps([rule])}
    assert local_rules(given, Path("/state"), "https://127.0.0.1:1/jobs", ()).warnings == []


def test_plain_settings_make_one_rule() -> None:
    [block] = [block for block in blocks(PAGE) if block.language == "ini"]
    environment = dict(line.split("=", 1) for line in block.text.splitlines())
    [rule] = new_data(environment).rules
    assert (rule.container, rule.suffix, rule.quiet_seconds) == ("readings", ".csv", 120)


def test_a_schedule_is_due_and_has_its_input_as_its_table_says() -> None:
    [block] = [block for block in blocks(PAGE) if block.info == SCHEDULE]
    [schedule] = new_data({"NEW_DATA_RULES": f"[{block.text}]"}).schedules
    rows = table(PAGE.read_text(), "due", "input of the run")
    assert len(rows) == 3
    for due_text, input_uri, _ in rows:
        due = datetime.fromisoformat(due_text.strip("`"))
        assert next_due(schedule, due - timedelta(minutes=1)) == due
        request = scheduled_request(schedule, due, SETTINGS)
        assert [f"`{binding.uri}`" for binding in request.inputs.values()] == [input_uri]
    assert scheduled_run_id(schedule, datetime.fromisoformat("2026-01-31T01:30Z")) in PAGE.read_text()


def test_each_reason_why_an_upload_is_ignored_is_explained() -> None:
    assert [row[0].strip("`") for row in table(PAGE.read_text(), "reason")] == list(IgnoreReason)


def test_each_call_that_writes_a_blob_is_named() -> None:
    rows = table(PAGE.read_text(), "the blob is")
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert named - {"BlobRenamed", "SftpCreate"} == FINISHED_UPLOADS | RENAMES | {CREATE_FILE}


def test_what_the_page_says_of_names_is_so() -> None:
    text = PAGE.read_text()
    [(name, encoded)] = re.findall(r"`([^`]*)` becomes\s+`([^`]*)`", text)
    values = {"path": name}
    assert fill("https://a.example/{path}", values) == f"https://a.example/{encoded}"
