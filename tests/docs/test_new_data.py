"""The examples of docs/new-data.md: each rule does with each blob what its table says."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from batch.new_data.blob import CREATE_FILE, FINISHED_UPLOADS, RENAMES, Blob
from batch.new_data.ignored import Ignored
from batch.new_data.settings import NewData
from batch.new_data.template import fill
from batch.settings import Settings
from tests.docs.pages import DOCS, blocks, table

PAGE = DOCS / "new-data.md"
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"


def new_data(environment: dict[str, str]) -> NewData:
    origin = "https://energy.westeurope.inference.ml.azure.com"
    settings = Settings.from_environment({"BATCH_ENDPOINT_URI": f"{origin}/jobs"})
    return NewData.from_environment(environment, settings)


def examples() -> Iterator[Any]:
    text = PAGE.read_text()
    for block in blocks(PAGE):
        if block.language == "json":
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


def test_plain_settings_make_one_rule() -> None:
    [block] = [block for block in blocks(PAGE) if block.language == "ini"]
    environment = dict(line.split("=", 1) for line in block.text.splitlines())
    [rule] = new_data(environment).rules
    assert (rule.container, rule.suffix, rule.quiet_seconds) == ("readings", ".csv", 120)


def test_each_reason_why_an_upload_is_ignored_is_explained() -> None:
    assert [row[0].strip("`") for row in table(PAGE.read_text(), "reason")] == list(Ignored)


def test_each_call_that_writes_a_blob_is_named() -> None:
    rows = table(PAGE.read_text(), "the blob is")
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert named - {"BlobRenamed", "SftpCreate"} == FINISHED_UPLOADS | RENAMES | {CREATE_FILE}


def test_what_the_page_says_of_names_is_so() -> None:
    text = PAGE.read_text()
    [(name, encoded)] = re.findall(r"`([^`]*)` becomes\s+`([^`]*)`", text)
    values = {"path": name}
    assert fill("https://a.example/{path}", values) == f"https://a.example/{encoded}"
